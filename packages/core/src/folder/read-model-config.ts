import { join } from 'node:path';
import { CompressError } from '../errors.ts';
import { parseJson, readModelText } from './read-model-json.ts';

export const CONFIG_FILE = 'config.json';

/**
 * A model's config.json as it is written, proven to be a JSON object. Throws `CompressError` `config-missing`, `config-invalid`, and those of
 * `folderFile`.
 */
export async function readModelConfigText(folder: string): Promise<string> {
  const file = join(folder, CONFIG_FILE);
  const text = await readModelText(folder, CONFIG_FILE);
  if (text === undefined) throw new CompressError('config-missing', 'The model has no config.json.', { file });
  const config = parseJson(text, file, 'config-invalid');
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return text;
  throw new CompressError('config-invalid', 'The configuration must be a JSON object.', { file });
}

/** The same as a value. */
export async function readModelConfig(folder: string): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await readModelConfigText(folder));
}
