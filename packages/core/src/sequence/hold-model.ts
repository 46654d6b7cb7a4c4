import type { Kernels } from '@compress/kernels';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Model, SectionProgram, SectionSpec, SectionWeights } from '../model/model.ts';
import { loadSection } from '../walk/load-section.ts';

/** A model whose sections are all in memory, opened and ready to run again and again. */
export interface HeldModel {
  readonly model: Model;
  readonly kernels: Kernels;
  readonly sections: readonly {
    readonly section: SectionSpec;
    readonly weights: SectionWeights;
    readonly program: SectionProgram;
  }[];
}

/**
 * Reads a whole model as f32: what goes token by token needs every section for each token. A tied head shares the embedding's array. Throws as
 * {@link loadSection}.
 */
export async function holdModel(p: {
  readonly model: Model;
  readonly checkpoint: Checkpoint;
  readonly kernels: Kernels;
  readonly signal?: AbortSignal;
  /** Called after each section. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}): Promise<HeldModel> {
  const { model, checkpoint, kernels } = p;
  const sections: HeldModel['sections'][number][] = [];
  const tables = new Map<string, Float32Array>();
  for (const section of model.sections) {
    p.signal?.throwIfAborted();
    const weights = await loadSection(checkpoint, section, kernels);
    for (const [name, data] of weights.tensors) tables.set(name, data);
    for (const { name, weight, transposed } of section.sites.flatMap((site) => site.linears)) {
      const table = transposed ? undefined : tables.get(weight);
      const linear = weights.linears.get(name)!;
      if (table) weights.linears.set(name, { ...linear, weight: { ...linear.weight, data: table } });
    }
    sections.push({ section, weights, program: model.open(section, weights, kernels) });
    p.onProgress?.({ done: sections.length, total: model.sections.length });
  }
  return { model, kernels, sections };
}
