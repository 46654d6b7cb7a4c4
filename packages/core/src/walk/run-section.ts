import type { Kernels, Matrix } from '@compress/kernels';
import type { Batch, SectionProgram, SectionWeights, SiteSpec, Stage } from '../model/model.ts';

/** The outputs of a site's Linears, in their order, `[tokens, out]` each: input W^T + bias. */
export async function runLinears(
  site: SiteSpec,
  input: Matrix,
  weights: SectionWeights,
  kernels: Kernels,
): Promise<Matrix[]> {
  const outputs: Matrix[] = [];
  for (const { name, outFeatures } of site.linears) {
    const linear = weights.linears.get(name);
    if (!linear) throw new TypeError(`section weights lack the Linear ${name}`);
    const output = kernels.matrix(input.rows, outFeatures);
    await kernels.linear({ input, ...linear, output });
    outputs.push(output);
  }
  return outputs;
}

/** One stage over one batch: its site's input, each Linear, the stage's output. */
export async function runStage(stage: Stage, weights: SectionWeights, batch: Batch, kernels: Kernels): Promise<void> {
  const input = await stage.input(batch);
  await stage.output(batch, await runLinears(stage.site, input, weights, kernels));
}

/**
 * A whole section over one batch: fills `batch.hidden` (the embedding) or changes it in place (a block), and empties `batch.state`.
 * Not for the head: its logits are wide, and `Model.logits` makes them for a few rows at a time.
 */
export async function runSection(
  program: SectionProgram,
  weights: SectionWeights,
  batch: Batch,
  kernels: Kernels,
): Promise<void> {
  await program.embed?.(batch);
  for (const stage of program.stages) await runStage(stage, weights, batch, kernels);
  batch.state.clear();
}
