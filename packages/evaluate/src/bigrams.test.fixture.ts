import type { HeldModel, Model, SectionProgram, SectionSpec } from '@compress/core';
import { createReferenceKernels, type Matrix } from '@compress/kernels';

export const VOCABULARY = 7;
export const CONTEXT = 24;
const kernels = createReferenceKernels();

/** A model in which the next token depends on the last one alone: row t of `table` are the logits after token t. */
export function bigrams(table: readonly (readonly number[])[]): HeldModel {
  const section = (kind: 'embedding' | 'head'): SectionSpec => ({
    name: kind,
    kind,
    tensors: [],
    sites: [],
    links: [],
  });
  const program: SectionProgram = {
    stages: [],
    embed: async ({ tokens, hidden }) =>
      hidden.data.set(Float32Array.from([...tokens].flatMap((token) => table[token]))),
  };
  const model: Model = {
    architecture: 'bigrams',
    hiddenSize: VOCABULARY,
    vocabularySize: VOCABULARY,
    contextLength: CONTEXT,
    tied: false,
    sections: [section('embedding'), section('head')],
    untie: () => model,
    open: () => program,
    logits: async (_program, _weights, hidden: Matrix) => ({ ...hidden, data: hidden.data.slice() }),
  };
  const weights = { linears: new Map(), tensors: new Map(), inference: { sites: new Map() } };
  return { model, kernels, sections: model.sections.map((one) => ({ section: one, weights, program })) };
}

/** After token t comes mostly t + 1, round and round. */
export const ring = bigrams(
  Array.from({ length: VOCABULARY }, (_, t) =>
    Array.from({ length: VOCABULARY }, (_, next) => (next === (t + 1) % VOCABULARY ? 2 : 0)),
  ),
);
