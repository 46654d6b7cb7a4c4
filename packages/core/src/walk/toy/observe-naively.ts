import type { Kernels } from '@compress/kernels';
import type { Checkpoint } from '../../checkpoint/checkpoint.ts';
import type { Model } from '../../model/model.ts';
import { loadSection } from '../load-section.ts';
import { runLinears, stageInput } from '../run-section.ts';

/** The mean input of every site that algorithms may touch, in f64: the plain way, all tokens at once through finished weights. */
export async function observeNaively(
  model: Model,
  checkpoint: Checkpoint,
  sequences: readonly Uint32Array[],
  kernels: Kernels,
): Promise<{ site: string; mean: Float64Array }[]> {
  const tokens = Uint32Array.from(sequences.flatMap((sequence) => [...sequence]));
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: sequences.length, length: sequences[0].length, tokens, hidden, state: new Map() };
  const means: { site: string; mean: Float64Array }[] = [];
  for (const section of model.sections.filter(({ kind }) => kind !== 'head')) {
    const weights = await loadSection(checkpoint, section, kernels);
    const program = model.open(section, weights, kernels);
    await program.embed?.(batch);
    for (const stage of program.stages) {
      const input = await stageInput(stage, weights, batch, kernels);
      const mean = new Float64Array(input.columns);
      for (const [i, value] of input.data.entries()) mean[i % input.columns] += value / input.rows;
      means.push({ site: stage.site.name, mean });
      await stage.output(batch, await runLinears(stage.site, input, weights, kernels));
    }
    batch.state.clear();
  }
  return means;
}
