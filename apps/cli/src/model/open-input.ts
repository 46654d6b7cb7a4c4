import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openGgufModel, writeGgufDescription } from '@compress/formats';
import { modelFromConfig } from '@compress/models';
import { type OpenedModel, openModel } from './open-model.ts';

/**
 * Opens what `convert` takes: a model as {@link openModel} finds it, or a GGUF file. The folder of a file is a temporary one with everything but the
 * weights, and is gone when the checkpoint is closed. Throws as `openModel`, `openGgufModel` and `modelFromConfig` do.
 */
export async function openInput(name: string, where: Parameters<typeof openModel>[1]): Promise<OpenedModel> {
  return isGgufFile(name) ? openGgufFile(resolve(where.directory, name)) : openModel(name, where);
}

/** By its name. */
export function isGgufFile(name: string): boolean {
  return name.endsWith('.gguf');
}

async function openGgufFile(file: string): Promise<OpenedModel> {
  const opened = await openGgufModel(file);
  const folder = await mkdtemp(join(tmpdir(), 'compress-gguf-'));
  const close = async () => {
    await opened.checkpoint.close();
    await rm(folder, { recursive: true });
  };
  try {
    const { config, checkpoint } = opened;
    await writeGgufDescription(opened, folder);
    return { folder, config, checkpoint: { ...checkpoint, close }, model: modelFromConfig(config, checkpoint.tensors) };
  } catch (error) {
    await close();
    throw error;
  }
}
