/** How much of the range the last step of the search of scales has cut away. */
const LARGEST_CUT = 0.8;

/** By how much each step multiplies the range, [steps + 1]: 1 - 0.8 i / steps. */
export function searchFactors(steps: number): Float32Array {
  return Float32Array.from({ length: steps + 1 }, (_, i) => (i === 0 ? 1 : 1 - (LARGEST_CUT * i) / steps));
}
