import { describe, expect, test } from 'vitest';
import {
  abnormalFloatLevels,
  additivePowersOfTwo,
  codebooks,
  fp4,
  fp4Bitsandbytes,
  lloydMaxLevels,
  minifloatLevels,
  normalFloat,
  powerOfTwo,
  studentFloat,
} from './index.ts';

/** Tables in circulation: bitsandbytes 95f9af30, cornell-zhang/llm-datatypes b0f1a171, abnormal-floats 0782bf86, Max 1960. */
const PUBLISHED = {
  nf4: [
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
  ],
  sf4: [
    -1, -0.6277805504, -0.4547359886, -0.3343307445, -0.2374343793, -0.1528987074, -0.0749824644, 0, 0.0655130733,
    0.1329647266, 0.2046610181, 0.2838347031, 0.3758048374, 0.4910755704, 0.6567811455, 1,
  ],
  sf3: [-1, -0.4108477, -0.18011882, 0, 0.13296473, 0.2838347, 0.49107557, 1],
  'fp4-bnb': [0, 0.0625, 2, 3, 4, 6, 8, 12].flatMap((x) => (x === 0 ? [0] : [-x / 12, x / 12])),
  'lloyd-max2': [-1.5104176, -0.45278, 0.45278, 1.5104176],
  'lloyd-max3': [0.2450942, 0.7560053, 1.3439093, 2.1519457].flatMap((x) => [-x, x]),
  'lloyd-max4': [0.128395, 0.3880483, 0.6567591, 0.9423405, 1.2562312, 1.6180464, 2.0690172, 2.7325896].flatMap((x) => [
    -x,
    x,
  ]),
  fp4: [0, 0.5, 1, 1.5, 2, 3, 4, 6].flatMap((x) => (x === 0 ? [0] : [-x, x])),
};

const levelsOf = (name: string) => {
  const { codes } = codebooks[name];
  if (codes.kind !== 'table') throw new Error(`${name} is no table`);
  return [...codes.levels];
};

function expectLevels(levels: readonly number[], published: readonly number[], within: number) {
  const ascending = [...published].sort((a, b) => a - b);
  expect(levels.length).toBe(ascending.length);
  for (const [i, level] of levels.entries()) expect(Math.abs(level - ascending[i])).toBeLessThan(within);
}

describe('formulas give the tables in circulation', () => {
  test.each(Object.entries(PUBLISHED))('%s', (name, published) => expectLevels(levelsOf(name), published, 5e-7));

  test('AF4 of blocks of 64, by the rule of its author', () => {
    const published = [
      -1, -0.69441008, -0.51243739, -0.3736951, -0.25607552, -0.14982478, -0.04934812, 0, 0.04273164, 0.12934483,
      0.21961274, 0.31675666, 0.42563882, 0.55496234, 0.72424863, 1,
    ];
    expectLevels(abnormalFloatLevels(4, 64, 'published'), published, 1e-8);
  });

  test.each([
    [
      32,
      [
        -1, -0.73924086, -0.56373516, -0.42512785, -0.30630254, -0.19891394, -0.09798513, 0, 0.08561934, 0.17318938,
        0.26494361, 0.36379404, 0.47404811, 0.60299968, 0.7653222, 1,
      ],
    ],
    [
      128,
      [
        -1, -0.68073808, -0.50748782, -0.37896838, -0.27168282, -0.17596047, -0.08656255, 0, 0.07560311, 0.15308013,
        0.23462517, 0.32322754, 0.42361984, 0.54469492, 0.70785891, 1,
      ],
    ],
  ])('AF4 of least absolute error, blocks of %i, by a fixed point in numpy', (size, published) =>
    expectLevels(abnormalFloatLevels(4, size, 'optimal'), published, 1e-8),
  );
});

test('SF tends to NF as degrees of freedom grow', () => {
  for (const bits of [2, 3, 4]) {
    const [student, normal] = [studentFloat(bits, 1e5), normalFloat(bits)].map(({ codes }) =>
      codes.kind === 'table' ? [...codes.levels] : [],
    );
    expectLevels(student, normal, 1e-5);
  }
});

test('small floats have the extremes and subnormals of their specification', () => {
  const extremes = ([exponent, mantissa, excluded]: [number, number, number]) => {
    const positive = minifloatLevels(exponent, mantissa, excluded).filter((x) => x > 0);
    return [positive[0], positive.at(-1)];
  };
  expect(extremes([2, 1, 0])).toEqual([0.5, 6]);
  expect(extremes([2, 3, 0])).toEqual([0.125, 7.5]);
  expect(extremes([3, 2, 0])).toEqual([0.0625, 28]);
  expect(extremes([4, 3, 1])).toEqual([2 ** -9, 448]);
  expect(extremes([5, 2, 4])).toEqual([2 ** -16, 57344]);
  expect(fp4.bits).toBe(4);
  expect(fp4Bitsandbytes.bits).toBe(4);
});

test('powers of two and their sums', () => {
  expect(powerOfTwo(3).codes).toEqual({ kind: 'table', levels: Float32Array.of(-1, -0.5, -0.25, 0, 0.25, 0.5, 1) });
  expect(additivePowersOfTwo.codes).toMatchObject({ levels: expect.objectContaining({ length: 15 }) });
});

test('a Lloyd-Max level is the mean of its cell, and its error is the least known', () => {
  // Mean squared errors of Max, 1960, table I.
  for (const [bits, error] of [
    [1, 0.36338],
    [2, 0.11748],
    [3, 0.034548],
    [4, 0.009501],
  ]) {
    const levels = lloydMaxLevels(bits);
    let sum = 0;
    const step = 1e-3;
    for (let x = -9 + step / 2; x < 9; x += step) {
      const nearest = Math.min(...levels.map((level) => (x - level) ** 2));
      sum += (nearest * Math.exp((-x * x) / 2) * step) / Math.sqrt(2 * Math.PI);
    }
    expect(Math.abs(sum - error)).toBeLessThan(1e-5);
  }
});
