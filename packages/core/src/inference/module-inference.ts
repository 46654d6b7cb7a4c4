import type { HeadGeometry, SectionSpec } from '../model/model.ts';
import type { AttentionInference, SiteInference } from './inference.ts';
import type { SectionInference } from './section-inference.ts';

/** An `Inference` by the modules that readers of checkpoints know, in place of our sites and sections. */
export interface ModuleInference {
  /** By module path of a Linear that algorithms may touch: what happens to the activation before it is read. */
  readonly inputs: ReadonlyMap<string, SiteInference>;
  /** By module path of an attention. */
  readonly attention: ReadonlyMap<string, AttentionInference & { readonly heads: HeadGeometry }>;
}

/** What a checkpoint itself says of its modules. */
export interface ModuleReader {
  /** Of the Linear's input; undefined: nothing happens to it. */
  input(linear: string): Promise<SiteInference | undefined>;
  /** Of an attention; undefined: it is an ordinary one. */
  attention(module: string, heads: HeadGeometry): Promise<AttentionInference | undefined>;
}

/** What sections' forward passes do more, by module. */
export function moduleInference(
  parts: readonly { readonly section: SectionSpec; readonly inference: SectionInference }[],
): ModuleInference {
  const inputs = new Map<string, SiteInference>();
  const attention = new Map<string, AttentionInference & { readonly heads: HeadGeometry }>();
  for (const { section, inference } of parts) {
    for (const { name, linears } of section.sites) {
      const own = inference.sites.get(name);
      if (own === undefined) continue;
      for (const linear of linears) if (linear.untouched === undefined) inputs.set(linear.name, own);
    }
    const module = attentionModule(section);
    if (module !== undefined && inference.attention)
      attention.set(module, { ...inference.attention, heads: section.attention! });
  }
  return { inputs, attention };
}

/** The module path of a section's attention: that which its values' Linear lies in. Undefined where there is none. */
export function attentionModule({ attention, links }: Pick<SectionSpec, 'attention' | 'links'>): string | undefined {
  const link = attention && links.find(({ kind }) => kind === 'linear');
  return link?.kind === 'linear' ? link.from.slice(0, link.from.lastIndexOf('.')) : undefined;
}
