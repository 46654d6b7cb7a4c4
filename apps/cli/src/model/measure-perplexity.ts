import type { Checkpoint } from '@compress/core';
import { type Perplexity, perplexity } from '@compress/evaluate';
import type { Kernels } from '@compress/kernels';
import { type Progress, secondsLeft } from '../progress/progress.ts';
import type { OpenedModel } from './open-model.ts';

/** Perplexity of an opened model, with a progress bar. */
export async function measurePerplexity({
  opened: { model, checkpoint },
  tokens,
  context,
  windows,
  kernels,
  label,
  progress,
  signal,
}: {
  readonly opened: Pick<OpenedModel, 'model'> & { readonly checkpoint: Checkpoint };
  readonly tokens: Uint32Array;
  readonly context: number;
  readonly windows?: number | undefined;
  readonly kernels: Kernels;
  readonly label: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}): Promise<Perplexity> {
  const started = performance.now();
  return perplexity({
    model,
    checkpoint,
    kernels,
    tokens,
    context,
    ...(windows === undefined ? {} : { windows }),
    signal,
    onProgress: ({ done, total }) => {
      const share = done / total;
      const left = secondsLeft(share, (performance.now() - started) / 1000);
      progress.update({ label, share, ...(left === undefined ? {} : { secondsLeft: left }) });
    },
  });
}
