import type { LinearSpec, SectionSpec } from '@compress/core';

/**
 * `[out]`, 1 for the rows that make queries and keys. Only products of the two matter, and what is cut from one is multiplied by the other: AWQ
 * does not clip them. Undefined for a Linear that makes neither.
 */
export function queriesAndKeys({ sites, links, attention }: SectionSpec, linear: LinearSpec): Uint8Array | undefined {
  if (!attention) return undefined;
  const site = sites.find(({ name }) => name === attention.input);
  if (!site?.linears.includes(linear)) return undefined;
  const exempt = new Uint8Array(linear.outFeatures).fill(1);
  for (const link of links)
    if (link.kind === 'linear' && link.site === attention.output && link.from === linear.name)
      for (const row of link.rows) exempt[row] = 0;
  return exempt.includes(1) ? exempt : undefined;
}
