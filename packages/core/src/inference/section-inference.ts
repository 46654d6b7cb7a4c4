import type { Matrix } from '@compress/kernels';
import type { SectionSpec } from '../model/model.ts';
import type { AttentionInference, Inference, SiteInference } from './inference.ts';

/** The part of an {@link Inference} that one section's forward pass needs, open to change by the steps of a pipeline. */
export interface SectionInference {
  /** By site name. */
  readonly sites: Map<string, SiteInference>;
  attention?: AttentionInference;
  /** Is shown the keys and values of every batch as a cache would take them, before they are rounded. No part of the function. */
  watch?: CacheWatch;
}

/** Whoever calibrates a cache. */
export interface CacheWatch {
  /** Keys are shown before RoPE is applied to them. */
  readonly keysBeforeRotary: boolean;
  /** `[tokens, keyHeads * headDimension]` each; valid during the call. */
  see(keys: Matrix, values: Matrix): void;
}

/** What `inference` says of a section, as a copy; nothing where it says nothing. */
export function inferenceOfSection(
  inference: Inference | undefined,
  { name, sites }: Pick<SectionSpec, 'name' | 'sites'>,
): SectionInference {
  const own = new Map<string, SiteInference>();
  for (const site of sites) {
    const entry = inference?.sites[site.name];
    if (entry) own.set(site.name, entry);
  }
  const attention = inference?.attention[name];
  return { sites: own, ...(attention && { attention }) };
}

/** One section's part as plain data, or undefined if it is an ordinary one. */
export function recordInference({ name }: Pick<SectionSpec, 'name'>, part: SectionInference): Inference | undefined {
  if (part.sites.size === 0 && part.attention === undefined) return undefined;
  return {
    sites: Object.fromEntries(part.sites),
    attention: part.attention === undefined ? {} : { [name]: part.attention },
  };
}

/** All sections together, or undefined if the model is an ordinary one. */
export function joinInference(parts: readonly (Inference | undefined)[]): Inference | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length === 0) return undefined;
  return {
    sites: Object.assign({}, ...known.map(({ sites }) => sites)),
    attention: Object.assign({}, ...known.map(({ attention }) => attention)),
  };
}
