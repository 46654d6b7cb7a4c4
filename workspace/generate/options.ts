/**
 * Writes the table of options of each algorithm into its page in `docs/algorithms`, from the recipe schema as it is committed: run `schema.ts` first.
 *
 *     node workspace/generate/options.ts            write them
 *     node workspace/generate/options.ts --check    fail if a page is stale, or an algorithm has none
 */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../run.ts';

/** The part of JSON schema that recipes use. */
interface Schema {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

const BEGIN = '<!-- options: written by workspace/generate/options.ts -->';
const END = '<!-- end of options -->';

/** Longer lists are told of by their first names; the schema has them all. */
const LISTED = 6;

/** What may stand there, in a few words. */
function values(schema: Schema): string {
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts) return [...new Set(parts.filter(({ type }) => type !== 'null').map(values))].join(' or ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum) {
    const names = schema.enum.slice(0, LISTED).map((name) => `\`${name}\``);
    return names.join(', ') + (schema.enum.length > LISTED ? ', …' : '');
  }
  if (schema.type === 'array') return `a list of ${values(schema.items ?? {})}`;
  if (schema.properties)
    return `\`{ ${Object.keys(schema.properties)
      .slice(0, LISTED)
      .join(', ')}${Object.keys(schema.properties).length > LISTED ? ', …' : ''} }\``;
  if (schema.type === 'boolean') return '`true`, `false`';
  if (schema.type === 'integer' || schema.type === 'number') return range(schema);
  return 'text';
}

function range({ type, minimum, exclusiveMinimum, maximum }: Schema): string {
  const name = type === 'integer' ? 'an integer' : 'a number';
  const ends = [
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(minimum === undefined || !Number.isSafeInteger(minimum + 1) ? [] : [`from ${minimum}`]),
    ...(maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? [] : [`to ${maximum}`]),
  ];
  return [name, ...ends].join(' ');
}

/** JSON as YAML writes it in one line. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(([key, entry]) => `${key}: ${inline(entry)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  return String(value);
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(step: Schema): string {
  const rows = Object.entries(step.properties ?? {}).map(([name, option]) => {
    const preset = option.default === undefined || option.default === null ? '' : `\`${inline(option.default)}\``;
    return `| \`${name}\` | ${cell(values(option))} | ${preset} | ${cell(option.description ?? '')} |`;
  });
  return ['| option | values | default | what it does |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** As the formatter leaves it. */
function format(page: string, text: string): string {
  const biome = join(ROOT, 'node_modules/.bin/biome');
  return execFileSync(biome, ['format', `--stdin-file-path=${page}`], { cwd: ROOT, input: text, encoding: 'utf8' });
}

const schema = JSON.parse(await readFile(join(ROOT, 'docs/recipe.schema.json'), 'utf8'));
const steps: Readonly<Record<string, Schema>> = schema.properties.pipeline.items.properties;
const check = process.argv.includes('--check');
const complain = (message: string) => {
  console.error(message);
  process.exitCode = 1;
};

for (const [name, step] of Object.entries(steps)) {
  const page = join(ROOT, `docs/algorithms/${name}.md`);
  const text = await readFile(page, 'utf8').catch(() => '');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) complain(`${page} must have a place for its options, between ${BEGIN} and ${END}`);
  else {
    const fresh = format(page, `${before}${BEGIN}\n\n${table(step)}\n\n${END}${after}`);
    if (fresh === text) continue;
    if (check) complain(`${page} is stale: run \`pnpm generate\``);
    else await writeFile(page, fresh);
  }
}
