import type { LinearSpec, SectionSpec } from '@compress/core';

/**
 * `[out]`, 1 for the rows that make queries and keys: those of the site that makes values too, and no values. Only products of the two matter, and what is
 * cut from one is multiplied by the other: AWQ does not clip them. Undefined for a Linear that makes neither.
 */
export function exemptRows({ sites, links, attention }: SectionSpec, linear: LinearSpec): Uint8Array | undefined {
  const values = attention && links.find(({ kind }) => kind === 'linear');
  if (values?.kind !== 'linear') return undefined;
  const { linears } = sites.find((site) => site.linears.some(({ name }) => name === values.from))!;
  if (!linears.includes(linear)) return undefined;
  const exempt = new Uint8Array(linear.outFeatures).fill(1);
  if (linear.name === values.from) for (const row of values.rows) exempt[row] = 0;
  return exempt;
}
