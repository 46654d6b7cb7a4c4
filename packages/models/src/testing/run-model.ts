import {
  type Checkpoint,
  loadSection,
  type Model,
  runSection,
  type SectionSpec,
  type SectionWeights,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';

/**
 * Logits of every position of sequences of one length, `[sequences * length, vocabulary]`. For tests: nothing is done by pieces. `change` may
 * alter a section's weights in place before it runs.
 */
export async function runModel(
  model: Model,
  checkpoint: Checkpoint,
  p: { readonly tokens: Uint32Array; readonly length: number },
  kernels: Kernels,
  change: (section: SectionSpec, weights: SectionWeights) => void = () => {},
): Promise<Matrix> {
  const { tokens, length } = p;
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: tokens.length / length, length, tokens, hidden, state: new Map() };
  for (const section of model.sections) {
    const weights = await loadSection(checkpoint, section, kernels);
    change(section, weights);
    const program = model.open(section, weights, kernels);
    if (section.kind === 'head') return model.logits(program, weights, hidden, kernels);
    await runSection(program, weights, batch, kernels);
  }
  throw new Error('the model has no head');
}
