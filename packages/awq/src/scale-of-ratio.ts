import { power } from '@compress/core';

/** The least scale, as a part of the largest, before scales are centred about 1. */
const LEAST = 1e-4;

/** What scales are made of, `[channels]` each. */
export interface ScaleSources {
  /** Mean magnitude of the activation; 0 for a channel that no token used. */
  readonly activation: Float64Array;
  /** Mean magnitude of the weights as parts of their groups' largest: with it, scales are those of AutoAWQ's "duo scaling". */
  readonly weight?: Float64Array;
}

/**
 * Scales of one trial (Lin et al., 2023, AWQ, section 3.2): activation^ratio, or with weights activation^ratio / weight^(1 - ratio), divided by
 * the geometric mean of the largest and the least. Only the activations' proportions count. Channels that no token used keep scale 1.
 */
export function scaleOfRatio({ activation, weight }: ScaleSources, ratio: number): Float64Array {
  const loudest = activation.reduce((most, value) => Math.max(most, value), 0);
  const live = (c: number) => activation[c] > 0;
  const scale = activation.map((value, c) => {
    if (!live(c)) return 1;
    const ofActivation = power(value / loudest, ratio);
    return weight ? ofActivation / (power(weight[c], 1 - ratio) + LEAST) : ofActivation;
  });
  const alive = scale.filter((_, c) => live(c));
  const largest = alive.reduce((most, value) => Math.max(most, value), 0);
  const least = Math.max(
    alive.reduce((few, value) => Math.min(few, value), largest),
    LEAST * largest,
  );
  const center = Math.sqrt(largest * least);
  return scale.map((value, c) => (live(c) ? Math.max(value, least) / center : 1));
}
