import { measureTask, type TaskItems, type TaskResult } from '@compress/evaluate';
import type { Kernels } from '@compress/kernels';
import { openTokenizer } from '@compress/models';
import { type Progress, secondsLeft } from '../progress/progress.ts';
import { openModel } from './open-model.ts';

/** A model's result on a task, with its own tokenizer and a progress bar. */
export async function runTask(
  name: string,
  items: TaskItems,
  p: {
    readonly directory: string;
    readonly kernels: Kernels;
    readonly progress: Progress;
    readonly signal: AbortSignal;
  },
): Promise<TaskResult> {
  const { directory, kernels, progress, signal } = p;
  const { folder, config, model, checkpoint } = await openModel(name, { directory, note: progress.log });
  try {
    const tokenizer = await openTokenizer(folder);
    const prefixToken = [config.bos_token_id, config.eos_token_id].find((token) => typeof token === 'number');
    const started = performance.now();
    return await measureTask({
      model,
      checkpoint,
      kernels,
      items,
      encode: (text) => tokenizer.encode(text, { special: false }),
      ...(prefixToken !== undefined && { prefixToken }),
      signal,
      onProgress: ({ done, total }) => {
        const left = secondsLeft(done / total, (performance.now() - started) / 1000);
        progress.update({
          label: `Items with ${name}`,
          share: done / total,
          ...(left !== undefined && { secondsLeft: left }),
        });
      },
    });
  } finally {
    await checkpoint.close();
  }
}
