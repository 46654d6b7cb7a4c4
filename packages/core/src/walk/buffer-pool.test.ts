import { createReferenceKernels, type Kernels } from '@compress/kernels';
import { beforeEach, expect, test } from 'vitest';
import { type BufferPool, createBufferPool } from './buffer-pool.ts';

let kernels: Kernels;
let run: BufferPool['run'];
beforeEach(() => {
  ({ kernels, run } = createBufferPool(createReferenceKernels()));
});
const make = (rows: number) => kernels.matrix(rows, 64);

test('takes back what was made, and gives it out zeroed', async () => {
  const made = await run(async () =>
    [make(100), make(100)].map((matrix) => ({ ...matrix, data: matrix.data.fill(7) })),
  );
  const again = await run(async () => [make(98), make(100), make(100)]);
  const buffers = new Set(made.map(({ data }) => data.buffer));
  expect(again.filter(({ data }) => buffers.has(data.buffer))).toHaveLength(2);
  expect(again.map(({ data }) => data.length)).toEqual([6272, 6400, 6400]);
  for (const { data } of again) expect(data.every((value) => value === 0)).toBe(true);
});

test('gives out nothing twice in one call, nor what was made outside', async () => {
  const outside = make(500);
  for (let i = 0; i < 3; i++) {
    const inside = await run(async () => Array.from({ length: 4 }, () => make(500)));
    expect(new Set([outside, ...inside].map(({ data }) => data.buffer)).size).toBe(5);
  }
});

test('forgets what was idle longest, so that it holds no more than one call took', async () => {
  const [first] = await run(async () => [make(400)]);
  await run(async () => [make(900)]);
  const [again] = await run(async () => [make(400)]);
  expect(again.data.buffer === first.data.buffer).toBe(false);
});

test('scratch is taken back and given out as it is', async () => {
  const [made] = await run(async () => [make(100)]);
  made.data.fill(7);
  const [again] = await run(async () => [kernels.scratch(100, 64)]);
  expect(again.data.buffer).toBe(made.data.buffer);
  expect(again.data.every((value) => value === 7)).toBe(true);
});
