import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const reader = fileURLToPath(new URL('./memory-budget.test.fixture.ts', import.meta.url));
/** What may be taken beside twice the file: 32 MB that every table may have, and as much that V8 has not collected. */
const FIXED_BYTES = 64 << 20;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-header-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Opens the folder in a process of its own. */
async function openFolder() {
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@compress/source', reader, folder]);
  return JSON.parse(stdout) as { outcome: number | string; peak: number };
}

/** Writes a file of this header and `data` bytes, and opens it. */
async function openOne(header: Buffer, data: number) {
  const path = join(folder, 'model.safetensors');
  const file = await open(path, 'w');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await file.writev([length, header]);
  const size = 8 + header.length + data;
  await file.truncate(size);
  await file.close();
  return { size, ...(await openFolder()) };
}

/** `count` tensors of `bytes` each, whose names have `letters` letters. */
function tensors(count: number, letters: number, bytes: number): Buffer {
  const entries = Array.from({ length: count }, (_, i) => {
    const name = String(i).padStart(letters, 'n');
    return `"${name}":{"dtype":"U8","shape":[${bytes}],"data_offsets":[${i * bytes},${(i + 1) * bytes}]}`;
  });
  return Buffer.from(`{${entries}}`);
}

/** The same with letters of two bytes, for which a string takes two bytes a letter. */
const wide = (header: Buffer) => Buffer.from(header.toString().replaceAll('nn', 'n\u0100'));
const N = 'n'.repeat(40_000_000);
const ESCAPES = '\\u0100'.repeat(6_000_000);
const ONES = '1,'.repeat(20_000_000);
const NOTES = Array.from({ length: 2_500_000 }, (_, i) => `"${i}":"\u0100"`).join();

it.each<[string, number | string, () => { readonly header: Buffer; readonly data: number }]>([
  ['as many tensors as a small file may have', 59_000, () => ({ header: tensors(59_000, 5, 0), data: 0 })],
  ['many tensors of few bytes', 120_000, () => ({ header: tensors(120_000, 60, 480), data: 57_600_000 })],
  ['names that become twice as large', 8000, () => ({ header: wide(tensors(8000, 1000, 0)), data: 0 })],
  ['a header of tensors alone', 'safetensors-header-heavy', () => ({ header: tensors(700_000, 1, 0), data: 0 })],
  ['one long name', 'safetensors-header-heavy', () => ({ header: Buffer.from(`{"\u0100${N}":{}}`), data: 0 })],
  ['a name of escapes', 'safetensors-header-heavy', () => ({ header: Buffer.from(`{"${ESCAPES}":{}}`), data: 0 })],
  [
    'one long shape',
    'safetensors-header-heavy',
    () => ({ header: Buffer.from(`{"a":{"shape":[${ONES}1]}}`), data: 0 }),
  ],
  [
    'much metadata',
    'safetensors-header-heavy',
    () => ({ header: Buffer.from(`{"__metadata__":{${NOTES}}}`), data: 0 }),
  ],
])('%s takes no more memory than twice its size', async (_, outcome, make) => {
  const { header, data } = make();
  const opened = await openOne(header, data);
  expect(opened.outcome).toBe(outcome);
  expect(opened.peak, `of ${opened.size}`).toBeLessThan(2 * opened.size + FIXED_BYTES);
});

const listed = (count: number, shard: string) =>
  `{"weight_map":{${Array.from({ length: count }, (_, i) => `"model.layers.${i}.weight":"${shard}"`)}}}`;

it.each([
  ['as many tensors as an index of small shards may name', 'shard-missing', () => listed(80_000, 'a.safetensors')],
  ['tensors without shards', 'index-heavy', () => listed(1_000_000, 'a.safetensors')],
  ['numbers that nobody asked for', 'index-heavy', () => `{"metadata":[${ONES}1],"weight_map":{}}`],
  ['one long shard', 'index-heavy', () => `{"weight_map":{"a":"\u0100${N}"}}`],
])('%s: an index takes no more memory than twice its size', async (_, outcome, make) => {
  const text = make();
  await writeFile(join(folder, 'model.safetensors.index.json'), text);
  const opened = await openFolder();
  expect(opened.outcome).toBe(outcome);
  expect(opened.peak, `of ${text.length}`).toBeLessThan(2 * text.length + FIXED_BYTES);
});
