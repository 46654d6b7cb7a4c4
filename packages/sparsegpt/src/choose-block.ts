import { chooseSmallest } from './choose-smallest.ts';
import type { Sparsity } from './sparsity.ts';

/** Columns [from, to) of a `[rows, columns]` weight. */
export interface Block {
  readonly rows: number;
  readonly columns: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Marks in `mask` `[rows, columns]` what goes of a block: of a share, round(share * weights) of all its rows together; of a pattern, so many
 * of each group of neighbouring columns of each row. `score(at)` is that of the weight at `row * columns + column`.
 */
export function chooseBlock(
  block: Block,
  sparsity: Sparsity,
  score: (at: number, column: number) => number,
  mask: Uint8Array,
): void {
  const { rows, columns, from, to } = block;
  if (sparsity.kind === 'share') {
    const width = to - from;
    const place = (i: number) => Math.floor(i / width) * columns + from + (i % width);
    const scores = new Float64Array(rows * width);
    for (let r = 0, i = 0; r < rows; r++) for (let c = from; c < to; c++, i++) scores[i] = score(r * columns + c, c);
    chooseSmallest(scores, Math.round(sparsity.share * scores.length), mask, place);
    return;
  }
  const { kept, of } = sparsity;
  const scores = new Float64Array(of);
  for (let r = 0; r < rows; r++)
    for (let start = from; start < to; start += of) {
      const first = r * columns + start;
      for (let i = 0; i < of; i++) scores[i] = score(first + i, start + i);
      chooseSmallest(scores, of - kept, mask, (i) => first + i);
    }
}
