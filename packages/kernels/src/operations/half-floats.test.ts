import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { openFronts } from '../testing/fronts.ts';
import { randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

const ALL_BITS = Uint16Array.from({ length: 65536 }, (_, i) => i);
const everyCode = new Uint8Array(ALL_BITS.buffer);

/** What the bits mean, by IEEE 754's formula. */
function meaning(bits: number, exponentBits: number): number {
  const fractionBits = 15 - exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const exponent = (bits & 0x7fff) >> fractionBits;
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

const types = [
  ['f16', 5],
  ['bf16', 8],
] as const;

describe.each([...fronts.modes, ['reference', fronts.reference]] as const)('%s', (_mode, kernels) => {
  test.each(types)('all 65536 codes of %s are decoded, and encoded again', async (type, exponentBits) => {
    const output = new Float32Array(65536);
    await kernels.decode({ bytes: everyCode, type, output });
    for (let bits = 0; bits < 65536; bits++) {
      if (!Object.is(output[bits], meaning(bits, exponentBits))) expect.fail(`${bits} became ${output[bits]}`);
    }
    const bytes = new Uint8Array(131072);
    await kernels.encode({ values: output, type, output: bytes });
    const again = new Uint16Array(bytes.buffer);
    const quietNaN = type === 'f16' ? 0x7e00 : 0x7fc0;
    for (let bits = 0; bits < 65536; bits++) {
      if (again[bits] !== (Number.isNaN(output[bits]) ? quietNaN : bits)) expect.fail(`${bits} became ${again[bits]}`);
    }
  });

  test.each(types)(
    'midpoints of all neighbours in %s go to the even one, and their neighbours to the nearest',
    async (type, exponentBits) => {
      const count = (2 ** exponentBits - 1) * 2 ** (15 - exponentBits);
      const values = new Float32Array(3 * count);
      const expected = new Uint16Array(3 * count);
      const step = new Int32Array(values.buffer);
      for (let bits = 0; bits < count; bits++) {
        const next =
          bits + 1 < count
            ? meaning(bits + 1, exponentBits)
            : 2 * meaning(bits, exponentBits) - meaning(bits - 1, exponentBits);
        values.fill(meaning(bits, exponentBits) / 2 + next / 2, 3 * bits, 3 * bits + 3);
        step[3 * bits]--;
        step[3 * bits + 2]++;
        expected.set([bits, bits + (bits % 2), bits + 1], 3 * bits);
      }
      const output = new Uint8Array(6 * count);
      await kernels.encode({ values, type, output });
      expect(new Uint16Array(output.buffer)).toEqual(expected);
      await kernels.encode({ values: values.map((x) => -x), type, output });
      expect(new Uint16Array(output.buffer)).toEqual(expected.map((bits) => bits | 0x8000));
    },
  );

  test('beyond the range lie infinities', async () => {
    const output = new Uint8Array(6);
    await kernels.encode({ values: Float32Array.of(65520, -1e38, 65519), type: 'f16', output });
    expect([...new Uint16Array(output.buffer)]).toEqual([0x7c00, 0xfc00, 0x7bff]);
    await kernels.encode({ values: Float32Array.of(3.4e38, -3.4e38, 3.38e38), type: 'bf16', output });
    expect([...new Uint16Array(output.buffer)]).toEqual([0x7f80, 0xff80, 0x7f7e]);
  });

  test('any length, at any offset of a buffer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 70 }),
        fc.constantFrom('f16' as const, 'bf16' as const),
        fc.integer(),
        async (length, type, seed) => {
          const values = randomNumbers(seed).floats(length, 100);
          const bytes = new Uint8Array(2 * length + 2).fill(7);
          await kernels.encode({ values, type, output: bytes.subarray(1, 2 * length + 1) });
          const expected = new Uint8Array(2 * length);
          await fronts.reference.encode({ values, type, output: expected });
          expect([...bytes]).toEqual([7, ...expected, 7]);
        },
      ),
      { numRuns: 30 },
    );
  });
});

test('every number of threads gives the same bits', async () => {
  const values = randomNumbers(1).floats(300001);
  await fronts.expectSameBits(async (kernels) => {
    const bytes = new Uint8Array(600002);
    const output = new Float32Array(300001);
    await kernels.encode({ values, type: 'f16', output: bytes });
    await kernels.decode({ bytes, type: 'f16', output });
    return [bytes, output];
  });
});
