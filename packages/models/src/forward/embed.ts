import { type Batch, CompressError, type Decoder } from '@compress/core';
import { tensorOf, type Workplace } from './workplace.ts';

/**
 * Fills `batch.hidden` with the tokens' rows, scaled, and the rows of their positions. Throws `CompressError`: `token-unknown` (an id beyond
 * the vocabulary), `sequence-too-long` (beyond the learned positions).
 */
export async function embed(decoder: Decoder, batch: Batch, place: Workplace): Promise<void> {
  const { hiddenSize, vocabularySize, contextLength, embeddingScale, positions } = decoder;
  const { tokens, hidden, length, past } = batch;
  const offset = past?.tokens ?? 0;
  if (positions && offset + length > contextLength)
    throw new CompressError(
      'sequence-too-long',
      `Sequences of ${offset + length} tokens do not fit this model's ${contextLength} learned positions; use shorter ones.`,
    );
  const tokenTable = tensorOf(place, decoder.tokenTable);
  // Rounded as the model's own float32 arithmetic rounds it.
  const scale = Math.fround(embeddingScale);
  tokens.forEach((token, row) => {
    if (token >= vocabularySize)
      throw new CompressError(
        'token-unknown',
        `Token ${token} is beyond the vocabulary of ${vocabularySize}; use the tokenizer that belongs to this model.`,
      );
    const source = tokenTable.subarray(token * hiddenSize, (token + 1) * hiddenSize);
    for (let c = 0; c < hiddenSize; c++) hidden.data[row * hiddenSize + c] = source[c] * scale;
  });
  if (!positions) return;
  const positionTable = tensorOf(place, positions.table);
  for (let row = 0; row < hidden.rows; row++) {
    const from = (offset + (row % length) + positions.offset) * hiddenSize;
    for (let c = 0; c < hiddenSize; c++) hidden.data[row * hiddenSize + c] += positionTable[from + c];
  }
}
