import { expect, test } from 'vitest';
import { hadamardCore, hadamardMatrix } from './hadamard-matrix.ts';
import { quadraticCharacter } from './quadratic-character.ts';

/** Multiples of 4 up to 432 that no construction here has, of which most are known to exist. */
const MISSING = [188, 236, 260, 268, 292, 324, 356, 372, 376, 404, 412];

test('H H^T = n I exactly, for every order up to 432 that is claimed', () => {
  const missing: number[] = [];
  for (let order = 4; order <= 432; order += 4) {
    const matrix = hadamardMatrix(order);
    if (matrix) expectHadamard(matrix.data, order);
    else missing.push(order);
  }
  expect(missing).toEqual(MISSING);
});

test('1 and 2, and no other order that 4 does not divide', () => {
  expect([...hadamardMatrix(1)!.data]).toEqual([1]);
  expect([...hadamardMatrix(2)!.data]).toEqual([1, 1, 1, -1]);
  for (const order of [0, 3, 5, 6, 10, 18, 42, 2.5, -4]) expect(hadamardMatrix(order)).toBeUndefined();
});

test('the widths of real models, each as the smallest core times a power of two', () => {
  const widths: Record<number, number> = {
    576: 36,
    640: 20,
    768: 12,
    896: 28,
    960: 60,
    1536: 12,
    2048: 1,
    2560: 20,
    2880: 180,
    3072: 12,
    3584: 28,
    4096: 1,
    4864: 76,
    5632: 44,
    8960: 140,
    11008: 172,
    13696: 428,
    13824: 108,
    14336: 28,
    18944: 148,
    27648: 108,
    28672: 28,
    29568: 924,
  };
  for (const [width, core] of Object.entries(widths)) {
    const matrix = hadamardCore(Number(width));
    expect(matrix?.rows).toBe(core);
    expectHadamard(matrix!.data, core);
  }
});

test('the quadratic character is that of the field', () => {
  for (const q of [3, 7, 9, 25, 27, 49, 81, 121, 125, 343]) {
    const { of, subtract } = quadraticCharacter(q)!;
    expect(of.reduce((sum, value) => sum + value, 0)).toBe(0);
    const negative = of[subtract(0, 1)];
    expect(negative).toBe(q % 4 === 1 ? 1 : -1);
    // Jacobsthal: sum over b of chi(b) chi(b - c) is -1 for c other than 0.
    for (let c = 1; c < q; c++) {
      let sum = 0;
      for (let b = 0; b < q; b++) sum += of[b] * of[subtract(b, c)];
      expect(sum).toBe(-1);
    }
  }
  for (const q of [1, 2, 8, 15, 21, 45, 63]) expect(quadraticCharacter(q)).toBeUndefined();
});

function expectHadamard(data: Float32Array, order: number): void {
  if (!data.every((value) => Math.abs(value) === 1)) expect.fail(`order ${order} has other elements than +-1`);
  for (let i = 0; i < order; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let c = 0; c < order; c++) sum += data[i * order + c] * data[j * order + c];
      if (sum !== (i === j ? order : 0)) expect.fail(`rows ${i} and ${j} of order ${order} have the product ${sum}`);
    }
}
