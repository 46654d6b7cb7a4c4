import { type Checkpoint, CompressError, openFolder, SAFETENSORS } from '@compress/core';
import { openOnnxData } from './onnx/open-onnx-data.ts';
import { PYTORCH } from './pytorch/pytorch-layout.ts';

/** In order of preference, where a folder has the same weights in more than one. */
const LAYOUTS = [SAFETENSORS, PYTORCH];

/**
 * The tensors of a model's folder as they are stored, quantized ones in their parts: safetensors, PyTorch's files, or those of our ONNX graphs. Throws `CompressError`
 * `checkpoint-missing`, and those of `openFolder`, `openSafetensors`, `openPytorch` and `openOnnxData`.
 */
export async function openStoredCheckpoint(folder: string): Promise<Checkpoint> {
  for (const layout of LAYOUTS) {
    const checkpoint = await openFolder(folder, layout);
    if (checkpoint !== undefined) return checkpoint;
  }
  const onnx = await openOnnxData(folder);
  if (onnx !== undefined) return onnx;
  const names = LAYOUTS.flatMap(({ single, index }) => [single, index]);
  throw new CompressError('checkpoint-missing', `There are no weights in it: none of ${names.join(', ')}.`, {
    file: folder,
  });
}
