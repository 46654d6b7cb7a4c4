import { codebooks } from '@compress/codebooks';
import { type Algorithm, dequantizeWeight, randomStream, resolveGrid } from '@compress/core';
import { conformance, walkProof } from '@compress/core/conformance';
import { createGptq, quantizeGptq } from '@compress/gptq';
import { createKernels } from '@compress/kernels';
import { createRtn, quantizeRtn } from '@compress/rtn';
import { afterAll, describe, expect, test } from 'vitest';

const kernels = await createKernels({ threads: 2 });
afterAll(() => kernels.close());

const ROWS = 48;
const COLUMNS = 128;
const { normal, uniform } = randomStream('grid-matrix');
const weight = {
  rows: ROWS,
  columns: COLUMNS,
  data: Float32Array.from({ length: ROWS * COLUMNS }, () => 0.04 * normal()),
};
const gram = await gramOfCorrelatedChannels();

/** Each kind of grid once: a table, one by group size, one of no zero, powers of two, two levels of scales of either kind, learned ones. */
const KINDS = [
  { grid: 'nf4', groupSize: 64 },
  { grid: 'af4-l1', groupSize: 32 },
  { grid: 'lloyd-max3', groupSize: 'channel' },
  { grid: 'mxfp4', groupSize: 32 },
  { grid: 'nvfp4', groupSize: 16 },
  { grid: { name: 'nf4', nested: 'blocks' }, groupSize: 16 },
  { grid: 'fp4-bnb', groupSize: { flattened: 48 } },
  { grid: 'kmeans3', groupSize: 'tensor' },
  { grid: { name: 'any4', scales: 'hessian' }, groupSize: 64 },
] as const;

describe.each(Object.keys(codebooks))('%s', (name) => {
  test.each([
    [32, 'act-static'],
    ['channel', 'none'],
  ] as const)('groups of %s, order %s: feeding errors forward loses less than rounding', async (groupSize, order) => {
    const grid = resolveGrid(name, codebooks);
    const rounded = await quantizeRtn({ weight, grid, groupSize, kernels });
    const fed = await quantizeGptq({ weight, gram, grid, groupSize, order, polish: { sweeps: 1 }, kernels });
    const losses = [];
    for (const { quantized } of [fed, rounded]) {
      const values = await dequantizeWeight(quantized, kernels);
      const byRow = await kernels.weightedError({ left: weight, right: values, hessian: gram });
      losses.push(byRow.reduce((sum, loss) => sum + loss, 0));
    }
    expect(losses[0]).toBeLessThan(losses[1]);
    expect(fed.loss).toBeLessThanOrEqual(fed.rtnLoss);
    expect(Math.abs(fed.loss / losses[0] - 1)).toBeLessThan(1e-3);
  });
});

describe.each([createRtn(codebooks), createGptq(codebooks)])('conformance of $name', (algorithm) => {
  const cases = conformance({
    algorithm: algorithm as ReturnType<typeof createRtn>,
    options: KINDS,
    createKernels: (threads) => createKernels({ threads }),
  });
  for (const { name, run } of cases) test(name, run);
});

test('grids of the whole weight go with groups that are known beforehand', async () => {
  for (const grid of ['nvfp4', 'any4', 'kmeans4']) {
    const request = { weight, gram, grid: resolveGrid(grid, codebooks), groupSize: 32, order: 'act', kernels } as const;
    await expect(quantizeGptq(request)).rejects.toMatchObject({ code: 'grid-order' });
    const linear = { name: 'q', weight: 'q.weight', outFeatures: 8, inFeatures: 128, transposed: false };
    const gptq = createGptq(codebooks);
    const objection = gptq.check?.(linear, gptq.options.parse({ grid, order: 'act' }));
    expect(objection?.message).toContain('act-static');
  }
});

test.each(['af4-l1', 'any4', 'nvfp4'])('a run with %s survives a kill and resumes', async (grid) => {
  const walk = walkProof({ createKernels: (threads) => createKernels({ threads }) });
  const rtn = createRtn(codebooks) as Algorithm<unknown>;
  const options = rtn.options.parse({ grid, groupSize: 32 });
  expect(await walk.killedAndResumed(rtn, options)).toBe(await walk.uninterrupted(rtn, options));
});

async function gramOfCorrelatedChannels() {
  const input = kernels.matrix(400, COLUMNS);
  const strengths = Float64Array.from({ length: COLUMNS }, () => 0.1 + 3 * uniform() ** 3);
  for (let t = 0; t < input.rows; t++) {
    const shared = normal();
    for (let c = 0; c < COLUMNS; c++) input.data[t * COLUMNS + c] = strengths[c] * (normal() + shared);
  }
  const output = kernels.matrix(COLUMNS, COLUMNS);
  await kernels.gram({ input, output });
  await kernels.symmetrize(output);
  return output;
}
