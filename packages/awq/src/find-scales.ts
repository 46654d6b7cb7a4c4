import type { Link, SectionContext, SiteSpec, Warning } from '@compress/core';
import { exemptRows } from './exempt-rows.ts';
import { observed } from './observed.ts';
import type { AwqOptions } from './options.ts';
import { roundingOf } from './rounding-of.ts';
import { type AwqScale, searchScale } from './search-scale.ts';

/** A link of the section and the scale to move along it. */
export interface FoundScale extends AwqScale {
  readonly link: Link;
  /** The sites whose Linears read the scaled channels. */
  readonly sites: readonly string[];
}

/** Searches a scale for every link of the section, all on the section's weights as they are. */
export async function findScales(context: SectionContext, options: AwqOptions): Promise<FoundScale[]> {
  const { section, weights, kernels, warn } = context;
  const found: FoundScale[] = [];
  for (const link of section.links) {
    const names = link.kind === 'norm' ? [link.site, ...link.alsoScale] : [link.site];
    const sites = section.sites.filter(({ name }) => names.includes(name));
    const linears = sites.flatMap((site) =>
      treatable(site).map((spec) => ({
        weight: weights.linears.get(spec.name)!.weight,
        gram: observed(context, site.name, 'gram'),
        tokens: context.statistics.get(site.name)!.tokens,
        clipped: options.clip && !exemptRows(section, spec)?.every((row) => row === 1),
        layer: spec.name,
        spec,
      })),
    );
    const { tokens } = context.statistics.get(link.site)!;
    if (linears.length === 0 || tokens === 0) continue;
    const activation = observed(context, link.site, 'absmean');
    const dead = activation.filter((value) => value === 0).length;
    if (dead > 0) warn(deadChannels(dead, activation.length, linears[0].layer));
    const { duo, ratios } = options;
    // Whatever reads one activation has its width, and so the same groups.
    const { grid, groupSize } = roundingOf(linears[0].spec, context, options);
    const sharing = link.kind === 'linear' ? { sharing: link.rows } : {};
    // Only proportions count, and a mean is of the size that losses of one Linear have.
    const weighed = linears.map((linear) => ({ ...linear, tokens: linear.tokens / tokens }));
    const search = { linears: weighed, activation, ...sharing, grid, groupSize, duo, ratios, kernels };
    found.push({ ...(await searchScale(search)), link, sites: names });
  }
  return found;
}

function treatable({ linears }: SiteSpec) {
  return linears.filter(({ untouched }) => untouched === undefined);
}

function deadChannels(dead: number, channels: number, layer: string): Warning {
  const message = `${dead} of its ${channels} input channels were 0 for every calibration token; they keep scale 1.`;
  return { code: 'dead-channels', layer, message };
}
