import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { expect, test } from 'vitest';
import { batchSizes, createCalibrationData } from './calibration-data.ts';

test('batches hang on shapes alone, and none is empty', () => {
  expect(batchSizes(64, 512)).toEqual(new Array(16).fill(4));
  expect(batchSizes(5, 1000)).toEqual([2, 2, 1]);
  expect(batchSizes(3, 4096)).toEqual([1, 1, 1]);
  expect(batchSizes(2, 1)).toEqual([2]);
});

test.each([0, 1e9])('what a batch is left with is there the next time (%d bytes of memory)', async (memory) => {
  const folder = await mkdtemp(join(tmpdir(), 'compress-data-'));
  const sequences = Array.from({ length: 3 }, (_, i) => new Uint32Array(2048).fill(i));
  const kernels = createReferenceKernels();
  const data = createCalibrationData({
    sequences,
    hiddenSize: 4,
    widest: 4,
    file: join(folder, 'spill'),
    memory,
    kernels,
  });
  const filled = (value: number): Matrix => {
    const matrix = data.kernels.matrix(2048, 4);
    matrix.data.fill(value);
    return matrix;
  };
  await data.each(async ({ hidden, state, tokens }, index) => {
    hidden.data.fill(tokens[0]);
    state.set('a', filled(10 + index));
    await data.putInput(index, filled(20 + index));
  }, true);
  await data.peek(async ({ hidden }) => void hidden.data.fill(99));
  await data.each(async ({ hidden, state }, index) => {
    expect(hidden.data[100]).toBe(index);
    const input = await data.takeInput(index);
    expect(input.data[100]).toBe(20 + index);
    // Another name for what was there, and something else under its own.
    state.set('b', state.get('a')!);
    state.set('a', filled(30 + index));
    hidden.data.fill(40 + index);
  }, true);
  await data.each(async ({ hidden, state }, index) => {
    expect(hidden.data[100]).toBe(40 + index);
    expect((state.get('a') as Matrix).data[100]).toBe(30 + index);
    expect((state.get('b') as Matrix).data[100]).toBe(10 + index);
    state.clear();
  }, true);
  await data.each(async ({ state }) => expect(state.size).toBe(0), false);
  await data.close();
  await rm(folder, { recursive: true });
});
