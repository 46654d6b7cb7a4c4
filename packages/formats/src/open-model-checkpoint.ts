import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CodedCheckpoint, CompressError, INFERENCE_FILE, openCheckpoint, readInference } from '@compress/core';
import { dense } from './dense.ts';
import { formats } from './formats.ts';

/**
 * A model's folder as a checkpoint of floats, whatever of our formats it is in: `config.json` says by its `quantization_config` which one
 * decodes it, and `inference.json`, where there is one, what its forward pass does more. Throws `CompressError` `config-missing`,
 * `config-invalid`, `quantization-unknown`, `inference-invalid`, and those of `openCheckpoint` and of the format's `open`.
 */
export async function openModelCheckpoint(folder: string): Promise<CodedCheckpoint> {
  const inference = await readInference(folder);
  const checkpoint = await openFloats(folder);
  if (inference === undefined) return checkpoint;
  return { ...checkpoint, inference, files: [...checkpoint.files, join(folder, INFERENCE_FILE)] };
}

async function openFloats(folder: string): Promise<CodedCheckpoint> {
  const configuration = await quantizationConfig(join(folder, 'config.json'));
  const checkpoint = await openCheckpoint(folder);
  if (configuration === undefined) return dense.open(checkpoint, {});
  try {
    const format = formats.find(({ recognizes }) => recognizes(configuration));
    if (format !== undefined) return await format.open(checkpoint, configuration);
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
  await checkpoint.close();
  const names = formats.map(({ name }) => name).join(', ');
  throw new CompressError(
    'quantization-unknown',
    `The model is quantized with ${JSON.stringify(configuration.quant_method ?? 'an unnamed method')}, which is not read (known: ${names}).`,
    { file: join(folder, 'config.json') },
  );
}

async function quantizationConfig(file: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new CompressError('config-missing', 'The model has no config.json that can be read.', { file }, { cause });
  });
  const config = parse(text, file);
  const quantization = isObject(config) ? config.quantization_config : undefined;
  if (quantization === undefined || quantization === null) return undefined;
  if (!isObject(quantization))
    throw new CompressError('config-invalid', 'quantization_config must be an object.', { file });
  return quantization;
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CompressError('config-invalid', `This is not JSON: ${(cause as Error).message}.`, { file }, { cause });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
