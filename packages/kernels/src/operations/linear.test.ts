import { afterAll, describe, expect, test } from 'vitest';
import type { Matrix } from '../matrix.ts';
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

test.each([
  { tokens: 3, outputs: [40, 7] },
  { tokens: 9, outputs: [40, 3, 100] },
  { tokens: 500, outputs: [576, 192, 0, 192] },
  { tokens: 600, outputs: [1500, 20], depth: 2800 },
])('several Linears of $tokens tokens have the bits of each alone', async ({ tokens, outputs, depth = 301 }) => {
  const random = randomNumbers(tokens);
  const input = random.matrix(tokens, depth);
  const given = outputs.map((rows, i) => ({
    weight: random.matrix(rows, depth),
    ...(i === 0 && { bias: random.matrix(1, rows).data }),
    start: random.matrix(tokens, rows),
  }));
  const row = ({ columns, data }: Matrix, index: number) => ({
    rows: 1,
    columns,
    data: data.slice(index * columns, (index + 1) * columns),
  });
  for (const accumulate of [false, true])
    await fronts.expectSameBits(async (kernels) => {
      const linears = given.map(({ start, ...own }) => ({ ...own, output: copyOf(start) }));
      await kernels.linears({ input, linears, accumulate });
      for (const [i, { start, ...own }] of given.entries())
        for (let token = 0; token < tokens; token += 97) {
          // A token by itself takes another way through the kernels.
          const output = row(start, token);
          await kernels.linear({ input: row(input, token), ...own, output, accumulate });
          expect(row(linears[i].output, token).data).toEqual(output.data);
        }
      return linears.map(({ output }) => output.data);
    });
});

test('the Linear whose shape is wrong is named', async () => {
  const random = randomNumbers(5);
  const linears = [4, 5].map((rows) => ({ weight: random.matrix(rows, 8), output: random.matrix(6, 4) }));
  for (const [, kernels] of fronts.modes)
    await expect(kernels.linears({ input: random.matrix(6, 8), linears })).rejects.toThrow(
      'linears[1].output is [6, 4] but must be [6, 5]',
    );
});
