import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Activation, createActivationStore } from './activation-store.ts';

const kernels = createReferenceKernels();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-store-'));
});
afterAll(() => rm(folder, { recursive: true }));

const matrix = (rows: number, fill: number): Matrix => ({
  rows,
  columns: 3,
  data: new Float32Array(3 * rows).fill(fill),
});
const words = (value: Activation) => [
  ...new Uint32Array(value instanceof Uint32Array ? value : value.data.slice().buffer),
];

test('gives back what was put, wherever the limit lies', async () => {
  const command = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    rows: fc.integer({ min: 0, max: 4 }),
    fill: fc.float(),
    kind: fc.constantFrom('matrix', 'words', 'delete'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 30 }),
      fc.integer({ min: 0, max: 120 }),
      async (commands, limit) => {
        const store = createActivationStore({ file: join(folder, 'spill'), limit, kernels, reading: kernels });
        const model = new Map<string, Activation>();
        for (const { key, rows, fill, kind } of commands) {
          if (kind === 'delete') {
            store.delete(key);
            model.delete(key);
          } else {
            const value = kind === 'matrix' ? matrix(rows, fill) : new Uint32Array(rows).fill(rows);
            await store.put(key, value);
            model.set(key, value);
          }
          for (const [name, value] of model) {
            const found = await store.get(name);
            expect(words(found)).toEqual(words(value));
            if (!(found instanceof Uint32Array)) expect(found.rows).toBe((value as Matrix).rows);
          }
        }
        expect(store.peak.memory).toBeLessThanOrEqual(limit);
        await store.close();
      },
    ),
    { numRuns: 60 },
  );
});

test('uses places in the file again, and deletes it', async () => {
  const file = join(folder, 'reused');
  const store = createActivationStore({ file, limit: 0, kernels, reading: kernels });
  for (let i = 0; i < 10; i++) await store.put('same', matrix(4, i));
  expect(store.peak).toEqual({ memory: 0, spilled: 48 });
  expect(existsSync(file)).toBe(true);
  await store.close();
  expect(existsSync(file)).toBe(false);
});

test('copies what is put, and hands out its own', async () => {
  const store = createActivationStore({ file: join(folder, 'unused'), limit: 24, kernels, reading: kernels });
  const value = matrix(2, 1);
  await store.put('key', value);
  value.data.fill(2);
  const own = (await store.get('key')) as Matrix;
  expect([...own.data]).toEqual([1, 1, 1, 1, 1, 1]);
  own.data.fill(3);
  await store.put('key', own);
  expect([...((await store.get('key')) as Matrix).data]).toEqual([3, 3, 3, 3, 3, 3]);
  await expect(store.get('other')).rejects.toThrow(TypeError);
  // The place stays the key's: another one must go to the file.
  store.delete('key');
  await expect(store.get('key')).rejects.toThrow(TypeError);
  await store.put('other', value);
  expect(store.peak).toEqual({ memory: 24, spilled: 24 });
  await store.close();
});
