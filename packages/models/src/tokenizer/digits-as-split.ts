import { z } from 'zod';

const sequence = z.looseObject({ type: z.literal('Sequence'), pretokenizers: z.array(z.unknown()) });
const digits = z.looseObject({ type: z.literal('Digits'), individual_digits: z.boolean().default(false) });

/**
 * The same pre-tokenizer with each `Digits` written as a `Split`. To Python's tokenizers a digit is any character of Unicode's number classes
 * (so the half in "4 1/2" written as one character is cut off its space); to the library that we use it is 0 to 9 alone.
 */
export function digitsAsSplit(preTokenizer: unknown): unknown {
  const steps = sequence.safeParse(preTokenizer);
  if (steps.success) return { ...steps.data, pretokenizers: steps.data.pretokenizers.map(digitsAsSplit) };
  const found = digits.safeParse(preTokenizer);
  if (!found.success) return preTokenizer;
  const pattern = { Regex: found.data.individual_digits ? '\\p{N}' : '\\p{N}+' };
  return { type: 'Split', pattern, behavior: 'Isolated', invert: false };
}
