import { type Checkpoint, CompressError } from '@compress/core';
import { type Perplexity, perplexity, type TokenScores, type WindowOptions } from '@compress/evaluate';
import type { Kernels } from '@compress/kernels';
import { type Progress, secondsLeft } from '../progress/progress.ts';
import type { PerplexityRecipe } from '../recipe/schema.ts';
import type { TokenizedText } from '../text/tokenize-process.ts';
import type { OpenedModel } from './open-model.ts';

/** What is measured, how, and who is told. */
export interface MeasureRequest {
  readonly opened: Pick<OpenedModel, 'model' | 'config' | 'folder'> & { readonly checkpoint: Checkpoint };
  readonly text: TokenizedText;
  readonly entry: PerplexityRecipe;
  readonly kernels: Kernels;
  readonly label: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly onScores?: (scores: TokenScores) => Promise<void>;
}

/** Perplexity of an opened model, with a progress bar. Throws as `perplexity`, and `CompressError` `bos-missing`. */
export async function measurePerplexity(request: MeasureRequest): Promise<Perplexity> {
  const { opened, text, entry, kernels, label, progress, signal, onScores } = request;
  const { model, checkpoint } = opened;
  return perplexity({
    model,
    checkpoint,
    kernels,
    ...text,
    ...windowOptions(entry, opened),
    signal,
    onProgress: showShare(progress, label),
    ...(onScores && { onScores }),
  });
}

/** Shows the share that is done of a measure. */
export function showShare(progress: Progress, label: string): (of: { done: number; total: number }) => void {
  const started = performance.now();
  return ({ done, total }) => {
    const share = done / total;
    const left = secondsLeft(share, (performance.now() - started) / 1000);
    progress.update({ label, share, ...(left === undefined ? {} : { secondsLeft: left }) });
  };
}

/** How an entry of a recipe cuts a text for a model. Throws `CompressError` `bos-missing`. */
export function windowOptions(
  { context, windows, stride, scoreFrom, bos }: PerplexityRecipe,
  { config, folder }: Pick<OpenedModel, 'config' | 'folder'>,
): WindowOptions {
  return {
    context,
    ...(windows !== undefined && { windows }),
    ...(stride !== undefined && { stride }),
    ...(scoreFrom !== undefined && { scoreFrom }),
    ...(bos === true && { bos: beginningToken(config, folder) }),
  };
}

function beginningToken(config: OpenedModel['config'], folder: string): number {
  const id = config.bos_token_id;
  if (typeof id === 'number') return id;
  throw new CompressError(
    'bos-missing',
    'config.json names no bos_token_id, so there is no token to begin windows with: measure without bos.',
    { file: folder },
  );
}
