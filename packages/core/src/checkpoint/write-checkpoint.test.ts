import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TensorSource } from './checkpoint.ts';
import { DTYPE_BITS, type Dtype } from './dtype.ts';
import { openCheckpoint } from './open-checkpoint.ts';
import { openSafetensors } from './open-safetensors.ts';
import { sha256OfFile } from './sha256-of-file.ts';
import { writeCheckpoint } from './write-checkpoint.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-write-'));
});
afterEach(() => rm(folder, { recursive: true }));

function source(name: string, dtype: Dtype, shape: number[], bytes: Uint8Array): TensorSource {
  return { name, dtype, shape, byteLength: bytes.byteLength, bytes: async () => bytes };
}

function bytes(name: string, values: number[]): TensorSource {
  return source(name, 'U8', [values.length], Uint8Array.from(values));
}

async function contents(path: string): Promise<ReadonlyMap<string, number[]>> {
  const checkpoint = await openCheckpoint(path);
  const all = new Map<string, number[]>();
  for (const name of checkpoint.tensors.keys()) all.set(name, [...(await checkpoint.read(name))]);
  await checkpoint.close();
  return all;
}

it('writes the golden file of the reference writer', async () => {
  const floats = new Uint8Array(Float32Array.of(1, -2.5).buffer);
  const written = await writeCheckpoint(folder, [
    source('b', 'I8', [3], Uint8Array.of(1, 0xfe, 3)),
    source('a', 'F32', [2], floats),
  ]);
  expect(written).toEqual([
    {
      file: 'model.safetensors',
      bytes: 163,
      sha256: '9abc8b8e056d3f0db3e1286eed5a26e5ece7ef42275b0494f12a454e5d0f6e34',
    },
  ]);
  expect((await readFile(join(folder, 'model.safetensors'))).toString('hex')).toBe(
    '90000000000000007b225f5f6d657461646174615f5f223a7b22666f726d6174223a227074227d2c2261223a7b226474797065223a22463332222c' +
      '227368617065223a5b325d2c22646174615f6f666673657473223a5b302c385d7d2c2262223a7b226474797065223a224938222c22736861706522' +
      '3a5b335d2c22646174615f6f666673657473223a5b382c31315d7d7d2020202020200000803f000020c001fe03',
  );
});

const tensor = fc
  .record({
    name: fc
      .string({ unit: 'grapheme', maxLength: 12 })
      .filter((name) => name !== '__metadata__' && name.isWellFormed()),
    dtype: fc.constantFrom(...(Object.keys(DTYPE_BITS) as Dtype[])),
    shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
    seed: fc.nat(255),
  })
  .map(({ name, dtype, shape, seed }) => {
    // Eight more along the last axis keep sub-byte dtypes whole.
    const whole = DTYPE_BITS[dtype] % 8 === 0 ? shape : [...shape, 8];
    const length = (whole.reduce((a, b) => a * b, 1) * DTYPE_BITS[dtype]) / 8;
    return source(
      name,
      dtype,
      whole,
      Uint8Array.from({ length }, (_, i) => seed + 31 * i),
    );
  });

it('returns what was written, for every dtype, name, shape and division into shards', async () => {
  const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(tensors, fc.integer({ min: 1, max: 400 }), async (sources, maxShardBytes) => {
      const written = await writeCheckpoint(folder, sources, { maxShardBytes });
      const checkpoint = await openCheckpoint(folder);
      expect(new Set(checkpoint.tensors.keys())).toEqual(new Set(sources.map(({ name }) => name)));
      for (const { name, dtype, shape, bytes } of sources) {
        expect(checkpoint.tensors.get(name)).toMatchObject({ dtype, shape });
        expect(await checkpoint.read(name)).toEqual(await bytes());
      }
      await checkpoint.close();
      // Files of earlier runs of this property are gone, and hashes are those of the disk.
      expect((await readdir(folder)).sort()).toEqual(written.map(({ file }) => file).sort());
      for (const { file, sha256 } of written) expect(await sha256OfFile(join(folder, file))).toBe(sha256);
    }),
    { numRuns: 60 },
  );
});

it('divides in the order given and writes an index that adds up', async () => {
  const written = await writeCheckpoint(
    folder,
    [bytes('z', [1, 2]), bytes('a', [3]), bytes('big', [4, 5, 6, 7]), bytes('m', [8])],
    {
      maxShardBytes: 3,
    },
  );
  expect(written.map(({ file }) => file)).toEqual([
    'model-00001-of-00003.safetensors',
    'model-00002-of-00003.safetensors',
    'model-00003-of-00003.safetensors',
    'model.safetensors.index.json',
  ]);
  expect(JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8'))).toEqual({
    metadata: { total_size: 8 },
    weight_map: {
      a: 'model-00001-of-00003.safetensors',
      big: 'model-00002-of-00003.safetensors',
      m: 'model-00003-of-00003.safetensors',
      z: 'model-00001-of-00003.safetensors',
    },
  });
  expect(await contents(folder)).toEqual(
    new Map([
      ['a', [3]],
      ['z', [1, 2]],
      ['big', [4, 5, 6, 7]],
      ['m', [8]],
    ]),
  );
});

it('replaces shards by one file and one file by shards, and leaves other files alone', async () => {
  await writeFile(join(folder, 'tokenizer.json'), '{}');
  await writeFile(join(folder, 'model-00002-of-00009.safetensors.partial'), 'what a killed run left');
  await writeCheckpoint(folder, [bytes('a', [1]), bytes('b', [2])], { maxShardBytes: 1 });
  await writeCheckpoint(folder, [bytes('c', [3])]);
  expect((await readdir(folder)).sort()).toEqual(['model.safetensors', 'tokenizer.json']);
  await writeCheckpoint(folder, [bytes('a', [1]), bytes('b', [2])], { maxShardBytes: 1 });
  expect(await contents(folder)).toEqual(
    new Map([
      ['a', [1]],
      ['b', [2]],
    ]),
  );
  expect(await readdir(folder)).toHaveLength(4);
});

it.each(['throws', 'is too short', 'is too long'])(
  'leaves the old checkpoint as it was when a source %s',
  async (how) => {
    await writeCheckpoint(folder, [bytes('old', [9])]);
    const bad: TensorSource = {
      ...bytes('bad', [1, 2]),
      bytes: async () => {
        if (how === 'throws') throw new Error('the source fails');
        return new Uint8Array(how === 'is too short' ? 1 : 3);
      },
    };
    const writing = writeCheckpoint(folder, [bytes('good', [1]), bad], { maxShardBytes: 1 });
    await expect(writing).rejects.toMatchObject(
      how === 'throws' ? { message: 'the source fails' } : { code: 'tensor-size' },
    );
    expect(await readdir(folder)).toEqual(['model.safetensors']);
    expect(await contents(folder)).toEqual(new Map([['old', [9]]]));
  },
);

it('asks for one tensor at a time, in the order of the file', async () => {
  const log: string[] = [];
  const logged = (name: string): TensorSource => ({
    ...bytes(name, [1, 2]),
    async *bytes() {
      log.push(`${name} begins`);
      yield Uint8Array.of(1);
      yield Uint8Array.of(2);
      log.push(`${name} ends`);
    },
  });
  await writeCheckpoint(folder, [logged('b'), logged('a')]);
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

it.each([
  ['tensor-duplicate', [bytes('a', [1]), bytes('a', [1])]],
  ['tensor-name', [bytes('__metadata__', [1])]],
  ['tensor-name', [bytes('\ud800', [1])]],
  ['tensor-size', [{ ...bytes('a', [1]), shape: [2] }]],
  ['tensor-size', [{ ...bytes('a', [1]), shape: [-1] }]],
  ['tensor-size', [source('a', 'F4', [3], Uint8Array.of(1, 2))]],
] as const)('refuses with %s', async (code, sources) => {
  await expect(writeCheckpoint(folder, sources)).rejects.toMatchObject({ name: 'CompressError', code });
  expect(await readdir(folder)).toEqual([]);
});

it('orders names by their UTF-8 bytes, not by UTF-16', async () => {
  await writeCheckpoint(folder, [bytes('\u{1f600}', [1]), bytes('\uff5e', [2])]);
  const file = await openSafetensors(join(folder, 'model.safetensors'));
  expect([...file.tensors.keys()]).toEqual(['\uff5e', '\u{1f600}']);
  await file.close();
});

it('keeps tensors and metadata of awkward names', async () => {
  const names = ['__proto__', 'constructor', 'toString', '0', 'a"b\\c\n', ''];
  await writeCheckpoint(
    folder,
    names.map((name, i) => bytes(name, [i])),
    { maxShardBytes: 2, metadata: { format: 'pt', '"': '\u0001' } },
  );
  expect(await contents(folder)).toEqual(new Map(names.map((name, i) => [name, [i]])));
  const file = await openSafetensors(join(folder, 'model-00001-of-00003.safetensors'));
  expect(file.metadata).toEqual(
    new Map([
      ['"', '\u0001'],
      ['format', 'pt'],
    ]),
  );
  await file.close();
});

it('makes the folder if need be', async () => {
  await writeCheckpoint(join(folder, 'new', 'model'), []);
  expect(await contents(join(folder, 'new', 'model'))).toEqual(new Map());
});
