import { AWQ_BITS, AWQ_LANES } from './awq-layout.ts';

/**
 * Bit at which the code of output 8 w + k begins in word w: a kernel that takes apart two nibbles at once meets the outputs in order when lanes 0..7
 * hold outputs 0, 2, 4, 6, 1, 3, 5, 7 (AutoAWQ, `packing_utils.py`).
 */
const SHIFTS: readonly number[] = [0, 4, 1, 5, 2, 6, 3, 7].map((lane) => lane * AWQ_BITS);

/** Puts code `o` of the `outputs` that share row `at` of `words` (`[.., outputs / 8]`) in its place, which must be 0. */
export function putCode(words: Uint32Array, at: number, outputs: number, o: number, code: number): void {
  words[at * (outputs / AWQ_LANES) + Math.floor(o / AWQ_LANES)] |= code << SHIFTS[o % AWQ_LANES];
}

/** The inverse of {@link putCode}. */
export function takeCode(words: Uint32Array, at: number, outputs: number, o: number): number {
  return (words[at * (outputs / AWQ_LANES) + Math.floor(o / AWQ_LANES)] >>> SHIFTS[o % AWQ_LANES]) & 0xf;
}
