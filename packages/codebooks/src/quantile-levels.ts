/**
 * 2^bits levels at quantiles of a symmetric distribution (Dettmers et al., QLoRA, 2023, section 3): 2^(bits-1) probabilities evenly spaced from 1/2
 * to 1 - d above 0 and one fewer below, 0 itself between them, and both ends at 1. d = (1/2^(bits+1) + 1/(2^(bits+1) - 2)) / 2 at 4 bits; it
 * is 1/32 and 1/30 there, and published tables of 3 bits keep that d.
 */
export function quantileLevels(bits: number, quantile: (p: number) => number): number[] {
  const above = 2 ** (bits - 1);
  const half = (count: number) =>
    Array.from({ length: count }, (_, i) => quantile(0.5 + ((1 - OUTSIDE - 0.5) * (i + 1)) / count));
  const [positive, negative] = [half(above), half(above - 1)];
  const largest = quantile(1 - OUTSIDE);
  return [...negative.reverse().map((x) => -x / largest), 0, ...positive.map((x) => x / largest)];
}

/** The probability that is left outside on each side: the mean of half a step of 16 levels and of 15. */
const OUTSIDE = (1 / 32 + 1 / 30) / 2;
