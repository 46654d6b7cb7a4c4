import { join } from 'node:path';
import { type CodedCheckpoint, CompressError, INFERENCE_FILE, readInference, readModelConfig } from '@compress/core';
import { dense } from './dense.ts';
import { formats } from './formats.ts';
import { fp8Blocks } from './fp8-blocks.ts';
import { openStoredCheckpoint } from './open-stored-checkpoint.ts';

/**
 * A model's folder as a checkpoint of floats, whatever of our formats it is in: `config.json` says by its `quantization_config` which one
 * decodes it, and `inference.json`, or else that configuration, what its forward pass does more. Throws `CompressError` `config-missing`,
 * `config-invalid`, `quantization-unknown`, `inference-invalid`, and those of {@link openStoredCheckpoint} and of the format's `open`.
 */
export async function openModelCheckpoint(folder: string): Promise<CodedCheckpoint> {
  const inference = await readInference(folder);
  const checkpoint = await openFloats(folder);
  if (inference === undefined) return checkpoint;
  // Where it is there, it says all that the configuration can and more.
  const { modules: _, ...floats } = checkpoint;
  return { ...floats, inference, files: [...checkpoint.files, join(folder, INFERENCE_FILE)] };
}

async function openFloats(folder: string): Promise<CodedCheckpoint> {
  const configuration = await quantizationConfig(folder);
  const checkpoint = await openStoredCheckpoint(folder);
  if (configuration === undefined) return dense.open(checkpoint, {});
  try {
    const format = [...formats, fp8Blocks].find(({ recognizes }) => recognizes(configuration));
    if (format !== undefined) return await format.open(checkpoint, configuration);
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
  await checkpoint.close();
  const names = [...formats, fp8Blocks].map(({ name }) => name).join(', ');
  throw new CompressError(
    'quantization-unknown',
    `The model is quantized with ${JSON.stringify(configuration.quant_method ?? 'an unnamed method')}, which is not read (known: ${names}).`,
    { file: join(folder, 'config.json') },
  );
}

async function quantizationConfig(folder: string): Promise<Record<string, unknown> | undefined> {
  const config = await readModelConfig(folder);
  // Older versions of mlx-lm write theirs under `quantization` alone.
  const quantization = config.quantization_config ?? config.quantization;
  if (quantization === undefined || quantization === null) return undefined;
  if (isObject(quantization)) return quantization;
  throw new CompressError('config-invalid', 'quantization_config must be an object.', {
    file: join(folder, 'config.json'),
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
