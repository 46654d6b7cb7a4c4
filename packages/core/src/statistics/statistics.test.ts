import { createReferenceKernels, type Matrix } from '@compress/kernels';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomStream } from '../random-stream.ts';
import { createStatisticsCollector } from './create-statistics-collector.ts';
import type { Observation, Statistics } from './statistics.ts';
import { rotateStatistics, scaleStatistics } from './transform-statistics.ts';

const kernels = createReferenceKernels();
const everything: readonly Observation[] = ['gram', 'squares', 'absmax', 'absmean', 'mean', 'samples'];

function activations(rows: number, columns: number): Matrix {
  const { normal } = randomStream('activations', rows, columns);
  return { rows, columns, data: Float32Array.from({ length: rows * columns }, normal) };
}

async function observe(input: Matrix, batches: readonly number[], observations = everything): Promise<Statistics> {
  const collector = createStatisticsCollector({
    site: 'blocks.0.input',
    features: input.columns,
    observations,
    kernels,
  });
  let from = 0;
  for (const rows of [...batches, input.rows]) {
    const to = Math.min(from + rows, input.rows);
    const data = input.data.slice(from * input.columns, to * input.columns);
    await collector.observe({ rows: to - from, columns: input.columns, data });
    data.fill(Number.NaN);
    from = to;
  }
  return collector.finish();
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i] - expected[i])).toBeLessThan(tolerance);
}

test('every observation agrees with its definition', async () => {
  const input = activations(700, 5);
  const column = (c: number) => Array.from({ length: 700 }, (_, t) => input.data[t * 5 + c]);
  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const statistics = await observe(input, [100, 512, 3]);
  expect(statistics.tokens).toBe(700);
  const columns = [0, 1, 2, 3, 4].map(column);
  expectClose(
    statistics.gram!.data,
    columns.flatMap((a) => columns.map((b) => mean(a.map((x, t) => x * b[t])))),
  );
  expectClose(
    statistics.squares!,
    columns.map((a) => mean(a.map((x) => x * x))),
  );
  expectClose(
    statistics.absmean!,
    columns.map((a) => mean(a.map(Math.abs))),
  );
  expectClose(statistics.mean!, columns.map(mean));
  expect([...statistics.absmax!]).toEqual(columns.map((a) => Math.max(...a.map(Math.abs))));
});

test('the cross gram is that of deviations and what is seen, over any batches; one batch without a pair leaves none', async () => {
  const [seen, float] = [activations(700, 4), activations(700, 5)];
  const part = ({ columns, data }: Matrix, from: number, to: number): Matrix => ({
    rows: to - from,
    columns: 4,
    data: Float32Array.from(
      { length: 4 * (to - from) },
      (_, i) => data[(from + Math.floor(i / 4)) * columns + (i % 4)],
    ),
  });
  const collect = async (batches: readonly [number, number][], unpaired?: number) => {
    const request = { site: 'a', features: 4, observations: ['crossGram' as const], kernels };
    const collector = createStatisticsCollector(request);
    for (const [i, [from, to]] of batches.entries())
      await collector.observe(part(seen, from, to), i === unpaired ? undefined : part(float, from, to));
    return collector.finish();
  };
  const { crossGram, tokens } = await collect([
    [0, 600],
    [600, 700],
  ]);
  expect(tokens).toBe(700);
  const x = (t: number, c: number) => float.data[t * 5 + c];
  const z = (t: number, c: number) => seen.data[t * 4 + c];
  const expected = Array.from({ length: 16 }, (_, i) => {
    let sum = 0;
    for (let t = 0; t < 700; t++) sum += (x(t, Math.floor(i / 4)) - z(t, Math.floor(i / 4))) * z(t, i % 4);
    return sum / 700;
  });
  expectClose(crossGram!.data, expected);
  expect(
    (
      await collect(
        [
          [0, 600],
          [600, 700],
        ],
        1,
      )
    ).crossGram,
  ).toBeUndefined();
});

test('the gram agrees with its definition over several tiles and what is left of the last', async () => {
  const input = activations(4200, 3);
  const { gram } = await observe(input, [1000, 2047, 1]);
  for (const a of [0, 1, 2])
    for (const b of [0, 1, 2]) {
      let sum = 0;
      for (let t = 0; t < 4200; t++) sum += input.data[t * 3 + a] * input.data[t * 3 + b];
      expect(Math.abs(gram!.data[a * 3 + b] - sum / 4200)).toBeLessThan(1e-5);
    }
});

test('only what was asked for is there', async () => {
  for (const name of everything)
    expect(Object.keys(await observe(activations(4, 3), [], [name]))).toEqual(['tokens', name]);
});

test('the division into batches changes no bit', async () => {
  const input = activations(2300, 4);
  const whole = await observe(input, []);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 6 }), async (batches) => {
      expect(await observe(input, batches)).toEqual(whole);
    }),
    { numRuns: 20 },
  );
});

test('samples are spread evenly over any number of tokens', async () => {
  for (const rows of [3, 512, 513, 5000]) {
    const input = { rows, columns: 1, data: Float32Array.from({ length: rows }, (_, t) => t) };
    const { samples } = await observe(input, [7], ['samples']);
    const kept = [...samples!.data];
    expect(kept.length).toBe(Math.ceil(rows / (kept[1] ?? 1)));
    expect(kept.length).toBeLessThanOrEqual(512);
    expect(kept.length).toBeGreaterThanOrEqual(Math.min(rows, 256));
    expect(kept).toEqual(kept.map((_, i) => i * kept[1]));
  }
});

test('a site that no token reached has zeros', async () => {
  const statistics = await observe(activations(0, 3), []);
  expect(statistics.tokens).toBe(0);
  expect([...statistics.gram!.data, ...statistics.squares!, ...statistics.absmax!].every((x) => x === 0)).toBe(true);
  expect(statistics.samples!.rows).toBe(0);
});

describe('activations that are no numbers', () => {
  test.each(everything)('are found while observing %s', async (name) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const input = activations(10, 3);
      input.data[16] = bad;
      await expect(observe(input, [4], [name])).rejects.toMatchObject({
        code: 'activations-not-finite',
        message: expect.stringMatching(/^blocks\.0\.input: .*channel 1;/),
      });
    }
  });

  test('so are squares beyond f32', async () => {
    const input = { rows: 1, columns: 2, data: Float32Array.of(1, 1e30) };
    await expect(observe(input, [], ['gram'])).rejects.toThrow(/channel 1;/);
  });
});

describe('a transform of the activations by algebra on their statistics', () => {
  const input = activations(300, 6);
  const float = { ...input, data: input.data.map((x, i) => x + 0.3 * input.data[(i + 7) % 1800]) };
  const paired = async (seen: Matrix, other: Matrix): Promise<Statistics> => {
    const collector = createStatisticsCollector({ site: 'a', features: 6, observations: ['crossGram'], kernels });
    await collector.observe(seen, other);
    return collector.finish();
  };

  test('scaling', async () => {
    const scale = Float32Array.of(0.5, 2, -3, 1, 10, 0.1);
    const divided = { ...input, data: input.data.map((x, i) => x / scale[i % 6]) };
    const expected = await observe(divided, []);
    const actual = scaleStatistics(await observe(input, []), scale);
    for (const name of ['squares', 'absmax', 'absmean', 'mean'] as const)
      expectClose(actual[name]!, expected[name]!, 1e-4);
    expectClose(actual.gram!.data, expected.gram!.data, 1e-4);
    expectClose(actual.samples!.data, expected.samples!.data, 1e-5);
    const { crossGram } = scaleStatistics(await paired(input, float), scale);
    const dividedFloat = { ...float, data: float.data.map((x, i) => x / scale[i % 6]) };
    expectClose(crossGram!.data, (await paired(divided, dividedFloat)).crossGram!.data, 1e-4);
  });

  test('rotation', async () => {
    const [cos, sin] = [Math.cos(0.7), Math.sin(0.7)];
    const rotation = kernels.matrix(6, 6);
    for (let c = 0; c < 6; c += 2) {
      rotation.data.set([cos, -sin], c * 6 + c);
      rotation.data.set([sin, cos], (c + 1) * 6 + c);
    }
    const rotated = kernels.matrix(300, 6);
    await kernels.multiply({ left: input, right: rotation, output: rotated });
    const expected = await observe(rotated, []);
    const before = await observe(input, []);
    const actual = await rotateStatistics(before, rotation, kernels);
    expect(Object.keys(actual).sort()).toEqual(['gram', 'mean', 'samples', 'squares', 'tokens']);
    expectClose(actual.gram!.data, expected.gram!.data);
    expectClose(actual.squares!, expected.squares!);
    expectClose(actual.mean!, expected.mean!);
    expectClose(actual.samples!.data, expected.samples!.data);
    for (let r = 0; r < 6; r++)
      for (let c = 0; c < r; c++) expect(actual.gram!.data[r * 6 + c]).toBe(actual.gram!.data[c * 6 + r]);
    const rotatedFloat = kernels.matrix(300, 6);
    await kernels.multiply({ left: float, right: rotation, output: rotatedFloat });
    const { crossGram } = await rotateStatistics(await paired(input, float), rotation, kernels);
    expectClose(crossGram!.data, (await paired(rotated, rotatedFloat)).crossGram!.data);
    const { gram: _, ...withoutGram } = before;
    expect((await rotateStatistics(withoutGram, rotation, kernels)).squares).toBeUndefined();
  });
});
