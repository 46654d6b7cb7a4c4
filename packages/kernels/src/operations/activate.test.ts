import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { erfc } from '../reference/erfc.ts';
import { expectClose, ULP } from '../testing/expect-close.ts';
import { openFronts } from '../testing/fronts.ts';
import { emptyLike, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

const NAMES = ['silu', 'gelu', 'gelu-tanh', 'relu'] as const;

/** What the compiled functions allow themselves: ulps of the value or, for GELUs, whose tails are squeezed through rounded arguments, of x / 8. */
const BOUNDS = { silu: [6, 2 ** -120], gelu: [6, 1 / 8], 'gelu-tanh': [6, 1 / 8], relu: [0, 0] };

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  async function apply(activation: (typeof NAMES)[number], x: Float32Array): Promise<[Float32Array, Float32Array]> {
    const gate = { rows: 1, columns: x.length, data: x };
    const outputs = [emptyLike(gate), emptyLike(gate)];
    await kernels.activate({ gate, activation, output: outputs[0] });
    await fronts.reference.activate({ gate, activation, output: outputs[1] });
    return [outputs[0].data, outputs[1].data];
  }

  test.each(NAMES)('%s is accurate from the smallest to the largest arguments', async (activation) => {
    const steps = Float32Array.from({ length: 40001 }, (_, i) => (i - 20000) / 1000);
    const magnitudes = Float32Array.from({ length: 4000 }, (_, i) => (i % 2 ? -1 : 1) * 2 ** ((i - 2000) / 14));
    const [ulps, part] = BOUNDS[activation];
    for (const x of [steps, magnitudes]) {
      const [actual, expected] = await apply(activation, x);
      expectClose(actual, expected, ulps * ULP, (i) => Math.min(Math.abs(x[i]), 20) * part);
    }
  });

  test.each(NAMES)('%s of what is no ordinary number', async (activation) => {
    const [actual] = await apply(activation, Float32Array.of(Infinity, -Infinity, Number.NaN, 3.4e38, -3.4e38, 0, -0));
    expect([...actual].map((y) => (y === 0 ? 0 : y))).toEqual([Infinity, 0, Number.NaN, Math.fround(3.4e38), 0, 0, 0]);
  });

  test('is multiplied with up, in place if asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 9 }),
        fc.constantFrom(...NAMES),
        fc.integer(),
        async (rows, columns, activation, seed) => {
          const random = randomNumbers(seed);
          const gate = random.matrix(rows, columns, 4);
          const up = random.matrix(rows, columns, 4);
          const expected = emptyLike(gate);
          await fronts.reference.activate({ gate, up, activation, output: expected });
          await kernels.activate({ gate, up, activation, output: gate });
          expectClose(gate.data, expected.data, 8 * ULP, 4);
        },
      ),
      { numRuns: 40 },
    );
  });
});

test('every number of threads gives the same bits', async () => {
  const gate = randomNumbers(1).matrix(211, 601, 10);
  await fronts.expectSameBits(async (kernels) => {
    const output = emptyLike(gate);
    await kernels.activate({ gate, up: gate, activation: 'gelu', output });
    return [output.data];
  });
});

test('the reference erfc against values of Abramowitz and Stegun, table 7.1, and its asymptotic series', () => {
  expectClose(
    [erfc(0), erfc(0.5), erfc(1), erfc(2), erfc(-1), erfc(5)],
    [1, 0.4795001221869535, 0.15729920705028513, 0.004677734981047266, 1.8427007929497148, 1.5374597944280349e-12],
    1e-13,
  );
  expectClose([erfc(20)], [5.395865611607901e-176], 1e-12);
});
