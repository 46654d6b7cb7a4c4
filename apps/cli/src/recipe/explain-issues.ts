import { CompressError } from '@compress/core';
import { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';
import type { Path, SourceMap } from './source-map.ts';

type Issue = z.core.$ZodIssue;
/** What zod says of a union that has no message of its own. */
const ZOD_DEFAULT = 'Invalid input';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What a file is to its user: the word in messages, and `<subject>-invalid` the code of its mistakes. */
export type Subject = 'recipe' | 'matrix';

interface Explained {
  readonly subject: Subject;
  readonly value: unknown;
  readonly schema: z.ZodType;
  readonly map: SourceMap;
}

/** Turns what zod found into sentences with places, one mistake each, in the order of the file. */
export function explainIssues(issues: readonly Issue[], { subject, value, schema, map }: Explained): CompressError[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const flat = issues.flatMap((issue) => flatten(issue));
  const misspelt = new Set(
    flat.filter((issue) => issue.code === 'unrecognized_keys').map((issue) => nameOf(issue.path)),
  );
  return flat
    .filter((issue) => issue.code !== 'custom' || !misspelt.has(nameOf(issue.path)))
    .flatMap((issue) => explain(issue, { subject, value, json, map }))
    .sort((left, right) => left.place.line! - right.place.line! || left.place.column! - right.place.column!);
}

/** A union that nothing matched tells of the branch that came furthest: the one that the user was writing. */
function flatten(issue: Issue, prefix: Path = []): Issue[] {
  const path = [...prefix, ...issue.path];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ ...issue, path }];
  const depth = (branch: readonly Issue[]) => Math.min(...branch.map((inner) => reach(inner)));
  const best = issue.errors.reduce((left, right) => (depth(right) > depth(left) ? right : left));
  if (depth(best) === 0) return [{ ...issue, path }];
  return best.flatMap((inner) => flatten(inner, path));
}

/** How far into the value a branch got: a wrong type at its root counts nothing, a wrong key in it counts. */
function reach(issue: Issue): number {
  return issue.path.length + (issue.code === 'invalid_type' || issue.code === 'invalid_value' ? 0 : 1);
}

function explain(
  issue: Issue,
  { subject, value, json, map }: Omit<Explained, 'schema'> & { readonly json: JsonSchema },
): CompressError[] {
  const problem = (message: string, place = map.value(issue.path)) =>
    new CompressError(`${subject}-invalid`, message, place);
  const name = issue.path.length === 0 ? `the ${subject}` : nameOf(issue.path);
  const found = lookUp(value, issue.path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(json, issue.path);
      return issue.keys.map((key) =>
        problem(`${nameOf([...issue.path, key])} is not known${hint(key, known)}`, map.key(issue.path, key)),
      );
    }
    case 'invalid_type':
      if (found === undefined) return [problem(`${name} is missing${describe(json, issue.path)}.`)];
      return [problem(`${name} must be ${article(issue.expected)}, not ${show(found)}.`)];
    case 'invalid_value':
      return [
        problem(
          `${name} must be one of these words, not ${show(found)}${hint(String(found), issue.values.map(String))}`,
        ),
      ];
    case 'invalid_union': {
      const words = schemasAt(json, issue.path)
        .flatMap((schema) => schema.enum ?? [])
        .map(String);
      const meant = typeof found === 'string' ? didYouMean(found, words) : undefined;
      if (meant !== undefined) return [problem(`${name} cannot be ${show(found)}; did you mean ${meant}?`)];
      if (issue.message !== ZOD_DEFAULT) return [problem(say(name, issue.message))];
      return [problem(`${name} cannot be ${show(found)}${describe(json, issue.path)}.`)];
    }
    case 'too_small':
      if (issue.origin === 'array' || issue.origin === 'string') return [problem(`${name} must not be empty.`)];
      return [
        problem(
          `${name} must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}, not ${show(found)}.`,
        ),
      ];
    case 'too_big':
      return [
        problem(
          `${name} must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}, not ${show(found)}.`,
        ),
      ];
    case 'invalid_format':
    case 'custom':
      return [problem(say(name, issue.message))];
    default:
      return [problem(`${name}: ${issue.message}.`)];
  }
}

/** Messages of schemas are whole sentences, or what follows the key's name. */
function say(name: string, message: string): string {
  return /^[A-Z]/.test(message) ? `${name}: ${message}` : `${name} ${message}`;
}

function hint(word: string, known: readonly string[]): string {
  const meant = didYouMean(word, known);
  if (meant !== undefined) return `; did you mean ${meant}?`;
  return known.length === 0 ? '.' : `; known here: ${known.join(', ')}.`;
}

/** `pipeline[0].gptq.groupSize` */
function nameOf(path: Path): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

function lookUp(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => (at as Record<PropertyKey, unknown> | null | undefined)?.[part], value);
}

function show(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map of keys';
  return typeof value === 'string' ? `"${value}"` : String(value);
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'a map of keys',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function article(type: string): string {
  return TYPE_NAMES[type] ?? `a ${type}`;
}

function schemasAt(json: JsonSchema, path: Path): JsonSchema[] {
  const open = (schema: JsonSchema): JsonSchema[] => [
    schema,
    ...(schema.anyOf ?? []).flatMap((inner) => open(inner as JsonSchema)),
  ];
  let level = open(json);
  for (const part of path) {
    level = level
      .map(
        (schema) =>
          (typeof part === 'number'
            ? schema.items
            : (schema.properties?.[String(part)] ?? schema.additionalProperties)) as JsonSchema | false | undefined,
      )
      .filter((schema) => typeof schema === 'object')
      .flatMap(open);
  }
  return level;
}

function knownKeys(json: JsonSchema, path: Path): string[] {
  return [...new Set(schemasAt(json, path).flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

function describe(json: JsonSchema, path: Path): string {
  const description = schemasAt(json, path).find((schema) => schema.description !== undefined)?.description;
  return description === undefined ? '' : `: ${description.replace(/\.$/, '')}`;
}
