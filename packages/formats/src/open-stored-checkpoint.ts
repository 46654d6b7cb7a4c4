import { type Checkpoint, CompressError, openFolder, SAFETENSORS } from '@compress/core';
import { PYTORCH } from './pytorch/pytorch-layout.ts';

/** In order of preference, where a folder has the same weights in more than one. */
const LAYOUTS = [SAFETENSORS, PYTORCH];

/**
 * The tensors of a model's folder as they are stored, quantized ones in their parts: safetensors, or PyTorch's files. Throws `CompressError`
 * `checkpoint-missing`, and those of `openFolder`, `openSafetensors` and `openPytorch`.
 */
export async function openStoredCheckpoint(folder: string): Promise<Checkpoint> {
  for (const layout of LAYOUTS) {
    const checkpoint = await openFolder(folder, layout);
    if (checkpoint !== undefined) return checkpoint;
  }
  const names = LAYOUTS.flatMap(({ single, index }) => [single, index]);
  throw new CompressError('checkpoint-missing', `There are no weights in it: none of ${names.join(', ')}.`, {
    file: folder,
  });
}
