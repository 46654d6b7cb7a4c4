import type { SiteContext } from '../algorithm/algorithm.ts';
import type { SectionSpec } from '../model/model.ts';
import type { Observation } from '../statistics/statistics.ts';
import type { ActivationOptions } from './activation-options.ts';
import type { ActivationQuantizer } from './inference.ts';
import type { SectionInference } from './section-inference.ts';
import { staticScale } from './static-scale.ts';

/** What {@link roundActivations} needs to know of a site. */
export function observedForActivations(options: ActivationOptions | 'none'): readonly Observation[] {
  return options !== 'none' && options.per === 'tensor' ? ['absmax'] : [];
}

/** With a scale that calibration found, or for each token its own. */
export function quantizerOf({ grid, bits }: ActivationOptions, scale: number | undefined): ActivationQuantizer {
  return { ...(grid && { grid }), bits, scale: scale ?? 'token' };
}

/** How a section's activations will be rounded: wherever a Linear reads them that algorithms may touch. A calibrated scale stands as 1. */
export function plannedActivations(
  { sites }: Pick<SectionSpec, 'sites'>,
  options: ActivationOptions | 'none',
): SectionInference {
  if (options === 'none') return { sites: new Map() };
  const quantizer = quantizerOf(options, options.per === 'tensor' ? 1 : undefined);
  const treated = sites.filter(({ linears }) => linears.some(({ untouched }) => untouched === undefined));
  return { sites: new Map(treated.map(({ name }) => [name, { quantizer }])) };
}

/** From now on the site's activation is rounded before its Linears read it. Where an earlier step said how, this takes its place. */
export function roundActivations({ linears, statistics, infer, warn }: SiteContext, options: ActivationOptions): void {
  const { absmax } = statistics;
  const { per } = options;
  const fixed =
    per === 'tensor' && absmax ? staticScale(absmax, new Float64Array(absmax.length).fill(1), options) : undefined;
  if (per === 'tensor' && fixed === undefined) {
    const what =
      statistics.tokens === 0 ? 'No calibration token reached it' : 'Calibration brought it nothing but zeros';
    const message = `${what}, so its activations have a scale for each token instead of a calibrated one.`;
    warn({ code: 'no-tokens', layer: linears[0].spec.name, message });
  }
  infer({ quantizer: quantizerOf(options, fixed) });
}
