import { mkdir, readFile, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CompressError, differences, lockFolder, type Place, writeFileAtomic } from '@compress/core';
import { z } from 'zod';
import { type CellResult, cellResultSchema, nameOfCell } from './cell.ts';

/** The folder beside a results file for what is under way: outputs that wait to be measured, and the lock of a writer. */
export function workOf(file: string): string {
  return `${file}.bench-work`;
}

/** The lines of a results file; none if there is no such file. Throws `CompressError` `results-invalid` with the line. */
export async function readResults(file: string): Promise<CellResult[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((line, index) => {
    if (line === '') return [];
    return [parseLine(line, { file, line: index + 1 })];
  });
}

function parseLine(line: string, place: Place): CellResult {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new CompressError(
      'results-invalid',
      `Results are a line of JSON a cell, and this line is not JSON: ${(cause as Error).message}; of a matrix, give the file that it names under "results".`,
      place,
      { cause },
    );
  }
  const result = cellResultSchema.safeParse(value);
  if (result.success) return result.data;
  throw new CompressError('results-invalid', `This is no line of results. ${z.prettifyError(result.error)}`, place);
}

/** Cells by key from several sources. A cell that was done twice must have come out the same: else `CompressError` `cells-differ` shows both. */
export function joinResults(
  sources: readonly { readonly file: string; readonly results: readonly CellResult[] }[],
): CellResult[] {
  const joined = new Map<string, { readonly file: string; readonly result: CellResult }>();
  for (const { file, results } of sources) {
    for (const result of results) {
      const other = joined.get(result.key);
      if (other === undefined) joined.set(result.key, { file, result });
      else if (other.result.digest !== result.digest) throw differ(other, { file, result });
    }
  }
  return [...joined.values()].map(({ result }) => result);
}

function differ(
  left: { readonly file: string; readonly result: CellResult },
  right: { readonly file: string; readonly result: CellResult },
): CompressError {
  const told = [left, right].map(({ file, result: { digest, metrics, machine, finished } }) => {
    const [name, value] = Object.entries(metrics)[0];
    return `${digest.slice(0, 12)} (${name} ${value}) in ${file}, on ${machine.cpu} with Node ${machine.node} at ${finished}`;
  });
  const what = differences(outcomeOf(left.result), outcomeOf(right.result)).join('; ');
  return new CompressError(
    'cells-differ',
    `${nameOfCell(left.result)} was done twice and did not come out the same: ${told.join('; ')}. ${what}.`,
  );
}

/** What must be the same whenever a cell is done. */
export function outcomeOf({ metrics, bytes, bitsPerWeight, warnings, outputs, layers, figures }: CellResult): object {
  return { metrics, outputs, bytes, bitsPerWeight, warnings, layers, figures };
}

/** Writes results as lines in the order of their names, so that the order in which cells were done leaves no trace. */
export async function writeResults(file: string, results: readonly CellResult[]): Promise<void> {
  const order = ({ model, pipeline, evaluation, inputs }: CellResult) =>
    [model, pipeline, evaluation, inputs.numerics].join('\0');
  const sorted = results.toSorted((left, right) => (order(left) < order(right) ? -1 : 1));
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, sorted.map((result) => `${JSON.stringify(result)}\n`).join(''));
}

/**
 * Adds cells to a results file, whole or not at all. A cell takes the place of an older one of the same names and numerics whose inputs were
 * others. Several processes may add to one file. Throws as {@link joinResults}.
 */
export async function addResults(file: string, added: readonly CellResult[]): Promise<void> {
  await withLock(workOf(file), async () => {
    const place = ({ model, pipeline, evaluation, inputs }: CellResult) =>
      JSON.stringify([model, pipeline, evaluation, inputs.numerics]);
    const keys = new Map(added.map((result) => [place(result), result.key]));
    const kept = (await readResults(file)).filter((old) => (keys.get(place(old)) ?? old.key) === old.key);
    await writeResults(
      file,
      joinResults([
        { file, results: kept },
        { file: 'this run', results: added },
      ]),
    );
  });
}

/** Another writer needs some milliseconds; one that takes longer than all tries together hangs. */
const TRIES = 100;
const PAUSE_MS = 50;

async function withLock(folder: string, work: () => Promise<void>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    let unlock: () => Promise<void>;
    try {
      unlock = await lockFolder(folder);
    } catch (error) {
      if (attempt === TRIES || !(error instanceof CompressError && error.code === 'output-locked')) throw error;
      await sleep(PAUSE_MS);
      continue;
    }
    try {
      return await work();
    } finally {
      await unlock();
    }
  }
}

/** Takes the work folder away when nothing is in it that waits. */
export async function removeWork(file: string): Promise<void> {
  await rmdir(workOf(file)).catch((error: NodeJS.ErrnoException) => {
    if (!['ENOENT', 'ENOTEMPTY'].includes(error.code ?? '')) throw error;
  });
}
