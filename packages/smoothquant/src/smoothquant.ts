import {
  defineAlgorithm,
  largestOver,
  plannedActivations,
  quantizerOf,
  type SectionContext,
  type SiteSpec,
  staticScale,
} from '@compress/core';
import { type SmoothQuantOptions, smoothQuantOptions } from './options.ts';
import { type Smoothing, smoothNorms } from './smooth-norms.ts';

/** SmoothQuant (Xiao et al., 2022) as a step of a pipeline: the quantizer of weights that follows makes W8A8 of it. */
export const smoothquant = defineAlgorithm<SmoothQuantOptions>({
  name: 'smoothquant',
  stage: 'transform',
  summary:
    'Moves outliers of activations into the weights and rounds activations to int8, or fewer bits, in the forward pass.',
  options: smoothQuantOptions,
  observes: ({ alpha, activations }) => {
    if (alpha === 'auto') return ['absmax', 'samples'];
    return alpha === 'none' && activations.per === 'token' ? [] : ['absmax'];
  },
  mustBeLast: ({ activations }) =>
    activations.per === 'tensor'
      ? 'its calibrated scales are those of the activations as they are now, which other transforms change'
      : undefined,

  infers: (section, { activations }) => plannedActivations(section, activations),

  async section(context, options) {
    const smoothed = await smoothNorms(context, options);
    for (const site of context.section.sites) quantizeSite(site, context, options, smoothed.get(site.name));
  },
});

/** Records how the site's activation is rounded, if the Linears that read it are to be compressed, and reports it for each of them. */
function quantizeSite(
  { name, linears }: SiteSpec,
  { statistics, weights, warn, figures }: SectionContext,
  { alpha, activations }: SmoothQuantOptions,
  smoothing: Smoothing | undefined,
): void {
  const { bits, per } = activations;
  const treated = linears.filter(({ untouched }) => untouched === undefined);
  if (treated.length === 0) return;
  const observed = statistics.get(name);
  const absmax = observed?.absmax ?? new Float32Array();
  const divisor = smoothing?.scale ?? new Float64Array(absmax.length).fill(1);
  const fixed = per === 'tensor' ? staticScale(absmax, divisor, activations) : undefined;
  if (observed && (observed.tokens === 0 || (per === 'tensor' && fixed === undefined))) {
    const what = observed.tokens === 0 ? 'No calibration token reached it' : 'Calibration brought it nothing but zeros';
    const so =
      per === 'tensor'
        ? 'it has a scale for each token instead of a calibrated one'
        : 'nothing is known of its activations';
    warn({ code: 'no-tokens', layer: treated[0].name, message: `${what}, so ${so}.` });
  }
  const { sites } = weights.inference;
  sites.set(name, { ...sites.get(name), quantizer: quantizerOf(activations, fixed) });
  const reported = {
    activationBits: bits,
    ...(observed && {
      absmax: largestOver(absmax, new Float64Array(absmax.length).fill(1)),
      smoothedAbsmax: largestOver(absmax, divisor),
      deadChannels: absmax.filter((value) => value === 0).length,
    }),
    ...(alpha === 'auto' && { alpha: smoothing?.alpha ?? 0 }),
  };
  for (const linear of treated) figures(linear.name, reported);
}
