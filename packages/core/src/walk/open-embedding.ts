import type { Kernels } from '@compress/kernels';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { CompressError } from '../errors.ts';
import type { Batch, Model, SectionProgram, SectionSpec } from '../model/model.ts';
import { gatherRows } from './gather-rows.ts';
import { loadSection } from './load-section.ts';

/**
 * Opens the embedding for batches of known tokens, with the rows of these tokens in memory and no others: a text of some thousand tokens has a few
 * hundred different ones, and the table of a small model is half of it. The rows are the same bits as in the whole table.
 *
 * `program` embeds batches whose tokens are among `tokens`. Throws as `loadSection`, and `token-unknown` on an id beyond the table.
 */
export async function openEmbedding(p: {
  readonly model: Model;
  readonly section: SectionSpec;
  readonly checkpoint: Checkpoint;
  readonly tokens: Iterable<Uint32Array>;
  /** Makes the rows. */
  readonly kernels: Kernels;
  /** Makes what the program makes while it runs. */
  readonly running: Kernels;
}): Promise<SectionProgram> {
  const { model, section, checkpoint, kernels, running } = p;
  const { tokenTable } = section;
  if (tokenTable === undefined) return model.open(section, await loadSection(checkpoint, section, kernels), running);
  const places = placesOf(p.tokens, model.vocabularySize);
  const others = { ...section, tensors: section.tensors.filter((name) => name !== tokenTable) };
  const weights = await loadSection(checkpoint, others, kernels);
  const shape = [model.vocabularySize, model.hiddenSize] as const;
  const rows = Uint32Array.from(places.keys());
  weights.tensors.set(tokenTable, await gatherRows(checkpoint, tokenTable, { shape, rows }, kernels));
  const program = model.open(section, weights, running);
  const renumber = (token: number) => places.get(token)!;
  return {
    ...program,
    embed: (batch: Batch) => program.embed!({ ...batch, tokens: batch.tokens.map(renumber) }),
  };
}

/** Where each different token's row lies in the small table: in the order of the ids. */
function placesOf(tokens: Iterable<Uint32Array>, vocabularySize: number): Map<number, number> {
  const seen = new Uint8Array(vocabularySize);
  for (const sequence of tokens)
    for (const token of sequence) {
      if (token >= vocabularySize)
        throw new CompressError(
          'token-unknown',
          `Token ${token} is beyond the vocabulary of ${vocabularySize}; use the tokenizer that belongs to this model.`,
        );
      seen[token] = 1;
    }
  const places = new Map<number, number>();
  for (let token = 0; token < vocabularySize; token++) if (seen[token] === 1) places.set(token, places.size);
  return places;
}
