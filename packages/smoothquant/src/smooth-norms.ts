import { type Link, moveScale, requireFinite, requireStatistic, type SectionContext } from '@compress/core';
import type { SmoothQuantOptions } from './options.ts';
import { searchAlpha } from './search-alpha.ts';
import { smoothingScale } from './smoothing-scale.ts';

/** How the channels of a site were smoothed. */
export interface Smoothing {
  /** `[features]`: what its activation is divided by. */
  readonly scale: Float64Array;
  /** Undefined where a search found no smoothing to be best. */
  readonly alpha?: number;
}

/**
 * Smooths what norms feed: a scale goes out of each norm and into all that read it, routers and every expert included. Returns what was done by
 * the names of the sites. Outputs of attention and what feeds down have no norm before them, and stay.
 */
export async function smoothNorms(
  context: SectionContext,
  { alpha, activations }: SmoothQuantOptions,
): Promise<Map<string, Smoothing>> {
  const smoothed = new Map<string, Smoothing>();
  if (alpha === 'none') return smoothed;
  const { section, weights, kernels, statistics } = context;
  const observed = <Name extends 'absmax' | 'samples'>(site: string, name: Name) =>
    requireStatistic(statistics.get(site), name, { algorithm: 'SmoothQuant', site });
  for (const link of section.links) {
    if (link.kind !== 'norm') continue;
    const sites = section.sites.filter(({ name }) => name === link.site || link.alsoScale.includes(name));
    const readers = sites.flatMap((site) => site.linears.map((spec) => ({ spec, site: site.name })));
    const treated = readers.filter(({ spec }) => spec.untouched === undefined);
    if (treated.length === 0) continue;
    const weightOf = (layer: string) => weights.linears.get(layer)!.weight;
    for (const { spec } of readers) requireFinite('weight', weightOf(spec.name), { layer: spec.name });
    const absmax = observed(link.site, 'absmax');
    warnOfDead(context, link, absmax, treated[0].spec.name);
    const request = { weights: readers.map(({ spec }) => weightOf(spec.name)), absmax, kernels };
    const linears = () =>
      treated.map(({ spec, site }) => ({ weight: weightOf(spec.name), samples: observed(site, 'samples') }));
    const found =
      alpha === 'auto'
        ? await searchAlpha({ ...request, ...activations, linears: linears() })
        : { alpha, scale: smoothingScale({ ...request, alpha }) };
    moveScale(link, section, weights, found.scale, kernels);
    for (const { name } of sites) smoothed.set(name, found);
  }
  return smoothed;
}

function warnOfDead({ warn }: SectionContext, { site }: Link, absmax: Float32Array, layer: string): void {
  const dead = absmax.filter((value) => value === 0).length;
  if (dead > 0)
    warn({
      code: 'dead-channels',
      layer,
      message: `${dead} of the ${absmax.length} channels of ${site} were 0 in all of calibration, so they are not smoothed.`,
    });
}
