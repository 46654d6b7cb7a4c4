import { type Perplexity, perplexity } from '@compress/evaluate';
import type { Kernels } from '@compress/kernels';
import { openTokenizer } from '@compress/models';
import { type Progress, secondsLeft } from '../progress/progress.ts';
import type { PerplexityRecipe } from '../recipe/schema.ts';
import { readText } from '../text/read-text.ts';
import type { OpenedModel } from './open-model.ts';

/** Perplexity of an opened model on a text that is tokenized whole, without special tokens. */
export async function measurePerplexity({
  opened: { folder, model, checkpoint },
  recipe,
  directory,
  kernels,
  label,
  progress,
  signal,
}: {
  readonly opened: OpenedModel;
  readonly recipe: PerplexityRecipe;
  /** What the text's path starts from. */
  readonly directory: string;
  readonly kernels: Kernels;
  readonly label: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}): Promise<Perplexity> {
  const text = await readText(recipe, directory);
  const tokens = (await openTokenizer(folder)).encode(text, { special: false });
  const started = performance.now();
  return perplexity({
    model,
    checkpoint,
    kernels,
    tokens,
    context: recipe.context,
    ...(recipe.windows === undefined ? {} : { windows: recipe.windows }),
    signal,
    onProgress: ({ done, total }) => {
      const share = done / total;
      const left = secondsLeft(share, (performance.now() - started) / 1000);
      progress.update({ label, share, ...(left === undefined ? {} : { secondsLeft: left }) });
    },
  });
}
