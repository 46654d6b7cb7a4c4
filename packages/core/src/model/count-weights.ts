import type { LinearSpec } from './model.ts';

/** Weights of some Linears together, biases not among them. */
export function countWeights(linears: readonly Pick<LinearSpec, 'outFeatures' | 'inFeatures'>[]): number {
  return linears.reduce((sum, { outFeatures, inFeatures }) => sum + outFeatures * inFeatures, 0);
}
