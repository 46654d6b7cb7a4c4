import type { Kernels, Matrix } from '@compress/kernels';
import { quantizeActivations } from '../inference/quantize-activations.ts';
import { rotateBlocks } from '../inference/rotate-blocks.ts';
import type { Batch, SectionProgram, SectionWeights, SiteSpec, Stage } from '../model/model.ts';

/** What a stage's Linears read and statistics are of: the site's activation, rotated where the section's inference says so. */
export async function stageInput(
  stage: Stage,
  { inference }: SectionWeights,
  batch: Batch,
  kernels: Kernels,
): Promise<Matrix> {
  const input = await stage.input(batch);
  const rotation = inference.sites.get(stage.site.name)?.rotation;
  return rotation ? rotateBlocks(input, rotation, kernels) : input;
}

/**
 * The outputs of a site's Linears, in their order, `[tokens, out]` each: input W^T + bias, the input rounded where the section's inference says so.
 * `input` is not changed: what is observed at a site are the floats (QuaRot, Ashkboos et al., 2024, section 4, calibrates weights so too).
 */
export async function runLinears(
  site: SiteSpec,
  input: Matrix,
  weights: SectionWeights,
  kernels: Kernels,
): Promise<Matrix[]> {
  const quantizer = weights.inference.sites.get(site.name)?.quantizer;
  const read = quantizer ? await quantizeActivations(input, quantizer, kernels) : input;
  const linears = site.linears.map(({ name, outFeatures }) => {
    const linear = weights.linears.get(name);
    if (!linear) throw new TypeError(`section weights lack the Linear ${name}`);
    return { ...linear, output: kernels.scratch(input.rows, outFeatures) };
  });
  await kernels.linears({ input: read, linears });
  return linears.map(({ output }) => output);
}

/** One stage over one batch: its site's input, each Linear, the stage's output. */
export async function runStage(stage: Stage, weights: SectionWeights, batch: Batch, kernels: Kernels): Promise<void> {
  const input = await stageInput(stage, weights, batch, kernels);
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
