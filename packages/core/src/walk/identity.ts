import type { Manifest } from '../manifest/manifest.ts';

/** All that the bytes of a run's results depend on. What two runs have in common to the last key may share a journal. */
export type Identity = Pick<
  Manifest,
  'recipe' | 'versions' | 'numerics' | 'seed' | 'format' | 'pipeline' | 'calibration' | 'inputs'
>;

/** How many differences are named; one is enough to know that the run is another. */
const NAMED = 4;
/** Characters of a value shown. */
const SHOWN = 40;

/** Names what differs between two plain values, e.g. a journal's identity and a request's: `recipe.pipeline[0].gptq.groupSize was 64, is 128`. */
export function differences(was: object, is: object): string[] {
  const found = compare('', was, is);
  return found.length > NAMED ? [...found.slice(0, NAMED), `and ${found.length - NAMED} more`] : found;
}

function compare(path: string, was: unknown, is: unknown): string[] {
  if (isObject(was) && isObject(is) && Array.isArray(was) === Array.isArray(is)) {
    const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
    const step = (key: string) => (Array.isArray(was) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`);
    return [...keys].flatMap((key) => compare(step(key), was[key], is[key]));
  }
  return Object.is(was, is) ? [] : [`${path} was ${show(was)}, is ${show(is)}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function show(value: unknown): string {
  const text = value === undefined ? 'absent' : JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
