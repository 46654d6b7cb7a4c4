import type { Batch, BufferPool, Model, SectionProgram, SectionWeights } from '@compress/core';

/** Bytes of logits that exist at one time: a vocabulary of 150,000 makes 0.6 MB a row. */
const LOGIT_BYTES = 32 * 2 ** 20;

/**
 * Negative log-likelihood, in nats, of the tokens 1 .. length - 1 of every sequence of a batch that stands before the head:
 * `[sequences * (length - 1)]`. Logits are made and forgotten in tiles of rows.
 */
export async function scoreBatch({
  model,
  program,
  weights,
  batch,
  pool,
}: {
  readonly model: Model;
  /** The opened head. */
  readonly program: SectionProgram;
  readonly weights: SectionWeights;
  readonly batch: Batch;
  /** The head was opened with its kernels. */
  readonly pool: BufferPool;
}): Promise<Float64Array> {
  const { sequences, length, hidden, tokens } = batch;
  const scored = length - 1;
  const tiles = Math.ceil((scored * model.vocabularySize * 4) / LOGIT_BYTES);
  const tileRows = Math.ceil(scored / tiles);
  const nll = new Float64Array(sequences * scored);
  for (let sequence = 0; sequence < sequences; sequence++) {
    for (let start = 0; start < scored; start += tileRows) {
      const rows = Math.min(tileRows, scored - start);
      const first = sequence * length + start;
      const data = hidden.data.subarray(first * hidden.columns, (first + rows) * hidden.columns);
      const picked = tokens.subarray(first + 1, first + 1 + rows);
      const logProbabilities = await pool.run(async () => {
        const part = { rows, columns: hidden.columns, data };
        const logits = await model.logits(program, weights, part, pool.kernels);
        return pool.kernels.logSoftmaxPick({ logits, picked });
      });
      for (let row = 0; row < rows; row++) nll[sequence * scored + start + row] = -logProbabilities[row];
    }
  }
  return nll;
}
