import { type Checkpoint, loadSection, runSection } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { modelFromConfig } from '@compress/models';

/** What our forward pass, in f32, says of a window. */
export interface Scores {
  /** Negative log-likelihood, in nats, of the tokens 1, 2, ... */
  readonly nll: Float64Array;
  /** The most likely token after each. */
  readonly likeliest: Uint32Array;
}

/** Runs the model of `config` over each window. */
export async function scoreWindows(
  p: { readonly checkpoint: Checkpoint; readonly config: unknown },
  windows: readonly Uint32Array[],
  kernels: Kernels,
): Promise<Scores[]> {
  const model = modelFromConfig(p.config, p.checkpoint.tensors);
  const batches = windows.map((tokens) => ({
    sequences: 1,
    length: tokens.length,
    tokens,
    hidden: kernels.matrix(tokens.length, model.hiddenSize),
    state: new Map(),
  }));
  const scores: Scores[] = [];
  for (const section of model.sections) {
    const weights = await loadSection(p.checkpoint, section, kernels);
    const program = model.open(section, weights, kernels);
    for (const batch of batches) {
      if (section.kind !== 'head') await runSection(program, weights, batch, kernels);
      else {
        const logits = await model.logits(program, weights, batch.hidden, kernels);
        scores.push(scoresOf(logits.data, logits.columns, batch.tokens));
      }
    }
  }
  return scores;
}

/** In f64, from logits `[tokens, vocabulary]`. */
function scoresOf(logits: Float32Array, vocabulary: number, tokens: Uint32Array): Scores {
  const nll = new Float64Array(tokens.length - 1);
  const likeliest = new Uint32Array(tokens.length);
  for (let row = 0; row < tokens.length; row++) {
    const of = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
    let best = 0;
    for (let token = 1; token < vocabulary; token++) if (of[token] > of[best]) best = token;
    likeliest[row] = best;
    if (row === nll.length) continue;
    let weight = 0;
    for (let token = 0; token < vocabulary; token++) weight += Math.exp(of[token] - of[best]);
    nll[row] = Math.log(weight) - (of[tokens[row + 1]] - of[best]);
  }
  return { nll, likeliest };
}
