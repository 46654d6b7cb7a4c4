import { afterAll, describe, expect, test } from 'vitest';
import { openFronts } from '../testing/fronts.ts';
import { copyOf, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test.each([
    { outputs: 1, depth: 1 },
    { outputs: 15, depth: 7 },
    { outputs: 16, depth: 256 },
    { outputs: 33, depth: 257 },
    { outputs: 300, depth: 600 },
    { outputs: 20, depth: 4099 },
  ])('few rows have the bits that they have among many: $outputs outputs of $depth', async ({ outputs, depth }) => {
    const random = randomNumbers(outputs);
    const [input, weight, start] = [random.matrix(9, depth), random.matrix(outputs, depth), random.matrix(9, outputs)];
    const bias = random.matrix(1, outputs).data;
    const rows = ({ columns, data }: typeof input, count: number) => ({
      rows: count,
      columns,
      data: data.slice(0, count * columns),
    });
    for (const given of [{}, { bias }, { accumulate: true }, { accumulate: true, bias }]) {
      const many = copyOf(start);
      await kernels.linear({ input, weight, output: many, ...given });
      for (const count of [1, 4, 5]) {
        const few = rows(start, count);
        await kernels.linear({ input: rows(input, count), weight, output: few, ...given });
        expect(few.data).toEqual(rows(many, count).data);
      }
    }
  });
});

test('a row is divided among threads without a change of bits', async () => {
  const random = randomNumbers(4);
  const [input, weight] = [random.matrix(1, 900), random.matrix(3001, 900)];
  await fronts.expectSameBits(async (kernels) => {
    const output = kernels.matrix(1, 3001);
    await kernels.linear({ input, weight, output });
    return [output.data];
  });
});
