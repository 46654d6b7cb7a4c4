/** What was pruned before scores less than anything can. */
const PRUNED_BEFORE = -1;

/**
 * Sets `mask` to 1 for the `count` smallest of `scores` by (score, index): exactly so many, also where scores are equal. `places` says
 * where in `mask` each score belongs. What `mask` holds already counts, and stays even if it is more than `count`.
 *
 * Scores are finite and >= 0; those of what is masked are overwritten.
 */
export function chooseSmallest(
  scores: Float64Array,
  count: number,
  mask: Uint8Array,
  places: (index: number) => number,
): void {
  let before = 0;
  for (let i = 0; i < scores.length; i++)
    if (mask[places(i)] !== 0) {
      scores[i] = PRUNED_BEFORE;
      before += 1;
    }
  if (count <= before) return;
  const threshold = Float64Array.from(scores).sort()[count - 1];
  let ties = count;
  for (const score of scores) if (score < threshold) ties -= 1;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] < threshold) mask[places(i)] = 1;
    else if (scores[i] === threshold && ties > 0) {
      mask[places(i)] = 1;
      ties -= 1;
    }
  }
}
