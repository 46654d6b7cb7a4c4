import { readModelConfig } from '@compress/core';
import { openModelCheckpoint } from '@compress/formats';
import { modelFromConfig } from '@compress/models';
import { readTensors } from './read-tensors.ts';

/** The folder as every command opens it: its tensors as floats, and the model that they make. */
export async function readModel(folder: string): Promise<void> {
  const checkpoint = await openModelCheckpoint(folder);
  try {
    await readTensors(checkpoint);
    modelFromConfig(await readModelConfig(folder), checkpoint.tensors);
  } finally {
    await checkpoint.close();
  }
}
