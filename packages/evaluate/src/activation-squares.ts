import {
  type Checkpoint,
  createStatisticsCollector,
  loadSection,
  type Model,
  runLinears,
  type SiteSpec,
  stageInput,
} from '@compress/core';
import type { Kernels } from '@compress/kernels';

/** What activations are measured of, and on what. */
export interface ActivationSquaresRequest {
  readonly model: Model;
  readonly checkpoint: Checkpoint;
  readonly kernels: Kernels;
  /** Windows of one length: each is seen from its own first token on. */
  readonly windows: readonly Uint32Array[];
  readonly signal?: AbortSignal;
  /** Called after each section. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What was seen of the activation that feeds a Linear. */
export interface ActivationSquares {
  /** `[in]`: the mean square of each column. */
  readonly squares: Float32Array;
  /** Tokens that it is of: fewer than all where experts divide them. */
  readonly tokens: number;
}

/**
 * The mean squares of the activations that each Linear of the blocks reads, by the Linear's name: what an importance matrix holds. The head is left
 * out. One section's weights are in memory at a time, and all windows' rows. Throws `CompressError` `activations-not-finite`.
 */
export async function activationSquares(request: ActivationSquaresRequest): Promise<Map<string, ActivationSquares>> {
  const { model, checkpoint, kernels, windows, signal } = request;
  const batches = windows.map((tokens) => ({
    sequences: 1,
    length: tokens.length,
    tokens,
    hidden: kernels.matrix(tokens.length, model.hiddenSize),
    state: new Map(),
  }));
  const found = new Map<string, ActivationSquares>();
  const sections = model.sections.filter(({ kind }) => kind !== 'head');
  for (const [done, section] of sections.entries()) {
    const weights = await loadSection(checkpoint, section, kernels);
    const program = model.open(section, weights, kernels);
    const collectors = new Map(section.sites.map((site) => [site.name, collect(site, kernels)]));
    for (const batch of batches) {
      signal?.throwIfAborted();
      await program.embed?.(batch);
      for (const stage of program.stages) {
        const input = await stageInput(stage, weights, batch, kernels);
        await collectors.get(stage.site.name)!.observe(input);
        await stage.output(batch, await runLinears(stage.site, input, weights, kernels));
      }
      batch.state.clear();
    }
    for (const { name, linears } of section.sites) {
      const { squares, tokens } = await collectors.get(name)!.finish();
      for (const linear of linears) if (squares !== undefined) found.set(linear.name, { squares, tokens });
    }
    request.onProgress?.({ done: done + 1, total: sections.length });
  }
  return found;
}

function collect({ name, features }: SiteSpec, kernels: Kernels) {
  return createStatisticsCollector({ site: name, features, observations: ['squares'], kernels });
}
