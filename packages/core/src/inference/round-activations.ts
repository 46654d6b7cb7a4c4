import type { SiteContext } from '../algorithm/algorithm.ts';
import type { Observation } from '../statistics/statistics.ts';
import type { ActivationOptions } from './activation-options.ts';
import { staticScale } from './static-scale.ts';

/** What {@link roundActivations} needs to know of a site. */
export function observedForActivations(options: ActivationOptions | 'none'): readonly Observation[] {
  return options !== 'none' && options.per === 'tensor' ? ['absmax'] : [];
}

/** From now on the site's activation is rounded before its Linears read it. Where an earlier step said how, this takes its place. */
export function roundActivations(
  { linears, statistics, infer, warn }: SiteContext,
  { bits, per }: ActivationOptions,
): void {
  const { absmax } = statistics;
  const fixed =
    per === 'tensor' && absmax ? staticScale(absmax, new Float64Array(absmax.length).fill(1), bits) : undefined;
  if (per === 'tensor' && fixed === undefined) {
    const what =
      statistics.tokens === 0 ? 'No calibration token reached it' : 'Calibration brought it nothing but zeros';
    const message = `${what}, so its activations have a scale for each token instead of a calibrated one.`;
    warn({ code: 'no-tokens', layer: linears[0].spec.name, message });
  }
  infer({ quantizer: { bits, scale: fixed ?? 'token' } });
}
