import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CompressError, holdModel } from '@compress/core';
import { checkedWindows, compareGreedy, decodeGreedily, type GreedyAgreement } from '@compress/evaluate';
import type { ReferenceRequest } from './measure-divergence.ts';
import { type MeasureRequest, showShare, windowOptions } from './measure-perplexity.ts';
import { openModel } from './open-model.ts';

type GreedyRequest = Omit<MeasureRequest, 'label' | 'onScores'> &
  Omit<ReferenceRequest, 'keep'> & {
    /** New tokens after each window. */
    readonly tokens: number;
  };

/**
 * Lets a model and its reference go on greedily from every window of a text, one model after the other, each held in memory whole. Throws `CompressError` `usage` for a
 * reference that is a file, `context-too-long`, `reference-vocabulary`, and as `decodeGreedily`.
 */
export async function measureGreedy(request: GreedyRequest): Promise<GreedyAgreement> {
  const { opened, text, entry, tokens, reference: name, directory, kernels, progress, signal } = request;
  if ((await stat(resolve(directory, name)).catch(() => undefined))?.isFile()) {
    const message = `--greedy needs the reference model itself: ${name} is a file that was kept of one, and says nothing new.`;
    throw new CompressError('usage', message);
  }
  const windows = checkedWindows({ model: opened.model, ...text, ...windowOptions(entry, opened) });
  const prompts = windows.map((window) => window.tokens);
  const reference = await openModel(name, { directory, note: progress.log });
  try {
    for (const { model, folder } of [opened, reference]) {
      if (entry.context + tokens <= model.contextLength) continue;
      const message = `${tokens} tokens after windows of ${entry.context} are more than the model's context of ${model.contextLength}.`;
      throw new CompressError('context-too-long', message, { file: folder });
    }
    if (reference.model.vocabularySize !== opened.model.vocabularySize) {
      const message = `The reference has a vocabulary of ${reference.model.vocabularySize} tokens and the model one of ${opened.model.vocabularySize}: what they say cannot be compared.`;
      throw new CompressError('reference-vocabulary', message, { file: reference.folder });
    }
    const decode = async ({ model, checkpoint }: Pick<typeof opened, 'model' | 'checkpoint'>, label: string) => {
      const held = await holdModel({ model, checkpoint, kernels, signal });
      return decodeGreedily({ held, prompts, tokens, signal, onProgress: showShare(progress, label) });
    };
    return compareGreedy(await decode(reference, 'Decoding, reference'), await decode(opened, 'Decoding'));
  } finally {
    await reference.checkpoint.close();
  }
}
