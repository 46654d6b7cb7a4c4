import type { Batch } from '@compress/core';
import type { Matrix } from '@compress/kernels';
import type { Sequence } from './sequence.ts';

/** Rows in a section at once: enough to fill the kernels' tiles, few enough that a feed-forward's inner activations stay small. */
const BATCH_ROWS = 2048;

/** A batch and the sequences that it is made of. */
export interface SequenceBatch {
  readonly batch: Batch;
  readonly members: readonly Sequence[];
}

/** Tokens of all sequences. */
export function rowsOf(sequences: readonly Sequence[]): number {
  return sequences.reduce((sum, { tokens }) => sum + tokens.length, 0);
}

/** Runs of neighbours with at most `rows` tokens in all, or of one sequence that is longer. */
export function cutInGroups(sequences: readonly Sequence[], rows: number): Sequence[][] {
  const groups: Sequence[][] = [];
  let room = 0;
  for (const sequence of sequences) {
    const { length } = sequence.tokens;
    if (groups.length > 0 && length <= room) groups.at(-1)!.push(sequence);
    else {
      groups.push([sequence]);
      room = rows;
    }
    room -= length;
  }
  return groups;
}

/** Batches of about BATCH_ROWS tokens, each of neighbours of equal length; their residual streams lie in `stream` one behind the other. */
export function makeBatches(sequences: readonly Sequence[], stream: Matrix): SequenceBatch[] {
  const batches: SequenceBatch[] = [];
  let row = 0;
  for (let start = 0; start < sequences.length; ) {
    const { length } = sequences[start].tokens;
    const most = start + Math.max(1, Math.floor(BATCH_ROWS / length));
    let end = start + 1;
    while (end < Math.min(most, sequences.length) && sequences[end].tokens.length === length) end++;
    const members = sequences.slice(start, end);
    const rows = members.length * length;
    const tokens = new Uint32Array(rows);
    for (const [i, member] of members.entries()) tokens.set(member.tokens, i * length);
    const data = stream.data.subarray(row * stream.columns, (row + rows) * stream.columns);
    const hidden = { rows, columns: stream.columns, data };
    batches.push({ batch: { sequences: members.length, length, tokens, hidden, state: new Map() }, members });
    row += rows;
    start = end;
  }
  return batches;
}
