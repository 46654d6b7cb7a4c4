import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readImatrix } from './imatrix.ts';

let file: string;
beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'compress-imatrix-')), 'imatrix.dat');
});
afterEach(() => rm(join(file, '..'), { recursive: true }));

const int = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const float = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};
const text = (value: string) => Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);
const entry = (name: string, calls: number, ...values: number[]) =>
  Buffer.concat([text(name), int(calls), int(values.length), ...values.map(float)]);

async function read(...parts: Buffer[]) {
  await writeFile(file, Buffer.concat(parts));
  return readImatrix(file);
}

const Q = entry('blk.0.attn_q.weight', 4, 1, 16, 0);
const DOWN = entry('blk.0.ffn_down.weight', 2, 3);

it('divides what is stored by the calls', async () => {
  expect(await read(int(2), Q, DOWN)).toEqual({
    file,
    datasets: [],
    chunks: 0,
    chunkSize: 0,
    entries: new Map([
      ['blk.0.attn_q.weight', Float32Array.of(0.25, 4, 0)],
      ['blk.0.ffn_down.weight', Float32Array.of(1.5)],
    ]),
    tokens: new Map([
      ['blk.0.attn_q.weight', 4],
      ['blk.0.ffn_down.weight', 2],
    ]),
  });
});

it('reads the chunks and the text that newer files tell, and leaves out what was never met', async () => {
  const { chunks, datasets, entries } = await read(int(2), Q, entry('unseen', 0, 0), int(12), text('wiki.train.raw'));
  expect({ chunks, datasets }).toEqual({ chunks: 12, datasets: ['wiki.train.raw'] });
  expect([...entries.keys()]).toEqual(['blk.0.attn_q.weight']);
  expect(await read(int(1), Q, int(12))).toMatchObject({ chunks: 12, datasets: [] });
});

it('takes the first bytes as they lie: little-endian, a name without an end', async () => {
  const bytes = '01000000 01000000 61 02000000 01000000 00000040 05000000 00000000';
  await writeFile(file, Buffer.from(bytes.replaceAll(' ', ''), 'hex'));
  expect(await readImatrix(file)).toMatchObject({ entries: new Map([['a', Float32Array.of(1)]]), chunks: 5 });
});

it.each<[string, Buffer[], RegExp]>([
  ['an empty file', [], /ends at byte 0/],
  ['a text', [Buffer.from('a text of some length')], /number of entries/],
  ['no entries', [int(0)], /must be 1 to 65536/],
  ['fewer entries than it claims', [int(2), Q], /inside of an entry/],
  ['a name without end', [int(1), int(1000), Buffer.from('a')], /length of a name/],
  ['a name that is no UTF-8', [int(1), int(1), Buffer.of(0xff), int(1), int(1), float(1)], /no UTF-8/],
  ['more values than there are', [int(1), text('a'), int(1), int(2 ** 30), float(1)], /claims 1073741824 for values/],
  ['calls below 0', [int(1), entry('a', -1, 1)], /for calls/],
  ['a matrix twice', [int(2), Q, Q], /twice/],
  ['a mean below 0', [int(1), entry('a', 1, -1)], /no such number/],
  ['bytes behind its end', [int(1), Q, int(1), text('b'), int(0)], /4 bytes behind/],
])('refuses %s', async (_, parts, message) => {
  await expect(read(...parts)).rejects.toMatchObject({
    name: 'CompressError',
    code: 'gguf-imatrix',
    message: expect.stringMatching(message),
  });
});
