import {
  CompressError,
  type Link,
  requireStatistic,
  type SectionContext,
  type SiteSpec,
  type Warning,
} from '@compress/core';
import { exemptRows } from './exempt-rows.ts';
import type { AwqOptions } from './options.ts';
import { roundingOf } from './rounding-of.ts';
import { type AwqScale, type AwqSearch, searchScale } from './search-scale.ts';

/** A link of the section and the scale to move along it. */
export interface FoundScale extends AwqScale {
  readonly link: Link;
  /** The sites whose Linears read the scaled channels. */
  readonly sites: readonly string[];
}

/** Searches a scale for every link of the section, all on the section's weights as they are. */
export async function findScales(context: SectionContext, options: AwqOptions): Promise<FoundScale[]> {
  const { section, weights, kernels, statistics, warn } = context;
  const statistic = <Name extends 'gram' | 'absmean'>(site: string, name: Name) =>
    requireStatistic(statistics.get(site), name, { algorithm: 'AWQ', site });
  const found: FoundScale[] = [];
  for (const link of section.links) {
    const names = link.kind === 'norm' ? [link.site, ...link.alsoScale] : [link.site];
    const sites = section.sites.filter(({ name }) => names.includes(name));
    const linears = sites.flatMap((site) =>
      treatable(site).map((spec) => ({
        weight: weights.linears.get(spec.name)!.weight,
        gram: statistic(site.name, 'gram'),
        tokens: statistics.get(site.name)!.tokens,
        clipped: options.clip && !exemptRows(section, spec)?.every((row) => row === 1),
        layer: spec.name,
        spec,
      })),
    );
    const { tokens } = statistics.get(link.site)!;
    if (linears.length === 0 || tokens === 0) continue;
    const activation = statistic(link.site, 'absmean');
    const dead = activation.filter((value) => value === 0).length;
    if (dead > 0) warn(deadChannels(dead, activation.length, linears[0].layer));
    const { duo, ratios } = options;
    // Whatever reads one activation has its width, and so the same groups.
    const { grid, groupSize } = roundingOf(linears[0].spec, context, options);
    const sharing = link.kind === 'linear' ? { sharing: link.rows } : {};
    // Only proportions count, and a mean is of the size that losses of one Linear have.
    const weighed = linears.map((linear) => ({ ...linear, tokens: linear.tokens / tokens }));
    const module =
      options.objective === 'module' && link.kind === 'norm' ? await moduleCost(context, link.site, linears) : {};
    const search = { linears: weighed, activation, ...sharing, grid, groupSize, duo, ratios, ...module, kernels };
    found.push({ ...(await searchScale(search)), link, sites: names });
  }
  return found;
}

/** The mean over tokens of the squared change of what a part of the section makes, where rounded weights take the places of some. */
async function moduleCost(
  { weights, rerun }: SectionContext,
  site: string,
  linears: readonly { readonly layer: string }[],
): Promise<Pick<AwqSearch, 'costOf'>> {
  if (rerun === undefined)
    throw new CompressError('statistics-missing', 'AWQ needs to run its modules again.', { layer: site });
  const wanted = await rerun(site, weights);
  return {
    async costOf(rounded) {
      const tried = new Map(weights.linears);
      let i = 0;
      for await (const weight of rounded) {
        const { layer } = linears[i++];
        tried.set(layer, { ...tried.get(layer)!, weight });
      }
      const { data } = await rerun(site, { ...weights, linears: tried });
      let cost = 0;
      for (let i = 0; i < data.length; i++) cost += (data[i] - wanted.data[i]) ** 2;
      return cost / wanted.rows;
    },
  };
}

function treatable({ linears }: SiteSpec) {
  return linears.filter(({ untouched }) => untouched === undefined);
}

function deadChannels(dead: number, channels: number, layer: string): Warning {
  const message = `${dead} of its ${channels} input channels were 0 for every calibration token; they keep scale 1.`;
  return { code: 'dead-channels', layer, message };
}
