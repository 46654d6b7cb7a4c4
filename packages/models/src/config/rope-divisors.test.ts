import { expect, it } from 'vitest';
import { ropeDivisors } from './rope-divisors.ts';

const LENGTH = { max_position_embeddings: 8192 };

it('has none where nothing is scaled', () => {
  expect(ropeDivisors({ ...LENGTH, rope_theta: 500_000 }, 64)).toBeUndefined();
  expect(ropeDivisors({ ...LENGTH, rope_parameters: { rope_type: 'default', rope_theta: 1e6 } }, 64)).toBeUndefined();
});

it('is the factor where all are divided', () => {
  const divisors = ropeDivisors({ ...LENGTH, rope_theta: 1e4, rope_scaling: { type: 'linear', factor: 4 } }, 8);
  expect([...divisors!]).toEqual([4, 4, 4, 4]);
});

it("is 1 for Llama 3's short waves, the factor for its long ones, and between them it rises", () => {
  const rope = { rope_type: 'llama3', factor: 32, low_freq_factor: 1, high_freq_factor: 4 };
  const config = { ...LENGTH, rope_theta: 500_000, rope_scaling: { ...rope, original_max_position_embeddings: 8192 } };
  const divisors = [...ropeDivisors(config, 64)!];
  expect(divisors).toHaveLength(32);
  // A wave of 8192 / 4 tokens is pair 14.1 of 32, one of 8192 is pair 17.5 (500000^(i / 32) 2 pi tokens).
  expect(divisors.slice(0, 15).every((divisor) => divisor === 1)).toBe(true);
  expect(divisors.slice(18).every((divisor) => divisor === 32)).toBe(true);
  expect(divisors).toEqual([...divisors].sort((a, b) => a - b));
});

it('refuses what is more than divisors', () => {
  const yarn = { rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 2048 } };
  expect(() => ropeDivisors({ ...LENGTH, ...yarn }, 64)).toThrow(expect.objectContaining({ code: 'rope-unsupported' }));
});
