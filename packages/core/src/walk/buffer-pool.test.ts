import { createReferenceKernels, type Kernels } from '@compress/kernels';
import { beforeEach, expect, test } from 'vitest';
import { type BufferPool, createBufferPool } from './buffer-pool.ts';

let kernels: Kernels;
let run: BufferPool['run'];
beforeEach(() => {
  ({ kernels, run } = createBufferPool(createReferenceKernels()));
});
const make = (rows: number) => kernels.matrix(rows, 64);

test('takes back what is not alive, and gives it out zeroed', async () => {
  const made = await run(
    async () => [make(100), make(100)].map((matrix) => ({ ...matrix, data: matrix.data.fill(7) })),
    () => [],
  );
  const again = await run(
    async () => [make(98), make(100), make(100)],
    () => [],
  );
  const buffers = new Set(made.map(({ data }) => data.buffer));
  expect(again.filter(({ data }) => buffers.has(data.buffer))).toHaveLength(2);
  expect(again.map(({ data }) => data.length)).toEqual([6272, 6400, 6400]);
  for (const { data } of again) expect(data.every((value) => value === 0)).toBe(true);
});

test('leaves alone what is alive, in this call and in later ones', async () => {
  const [kept] = await run(
    async () => [make(300)],
    () => [],
  );
  let live: Float32Array[] = [];
  const [held] = await run(
    async () => {
      const held = make(300);
      live = [held.data.subarray(64).fill(5)];
      return [held];
    },
    () => live,
  );
  expect(held.data.buffer === kept.data.buffer).toBe(true);
  for (let i = 0; i < 3; i++) {
    const [other] = await run(
      async () => [make(300)],
      () => live,
    );
    expect(other.data.buffer === held.data.buffer).toBe(false);
  }
  expect(held.data[64]).toBe(5);
});

test('has nothing to do with what is made outside', async () => {
  const outside = make(500);
  const [inside] = await run(
    async () => [make(500)],
    () => [],
  );
  expect(inside.data.buffer === outside.data.buffer).toBe(false);
});
