import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompressError } from '@compress/core';
import { z } from 'zod';

const id = z.int().nonnegative();
const schema = z.looseObject({ eos_token_id: z.union([id, z.array(id)]).nullish() });

/**
 * The tokens with which a model says that it is done: `eos_token_id` of generation_config.json or, where there is no such file, of config.json; none where that names
 * none. Throws `CompressError` `config-invalid`.
 */
export async function readStopTokens(folder: string): Promise<readonly number[]> {
  for (const name of ['generation_config.json', 'config.json']) {
    const file = join(folder, name);
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text !== undefined) return parse(text, file);
  }
  return [];
}

function parse(text: string, file: string): readonly number[] {
  try {
    const { eos_token_id: stop } = schema.parse(JSON.parse(text));
    return typeof stop === 'number' ? [stop] : (stop ?? []);
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new CompressError('config-invalid', `The end-of-sequence token cannot be read: ${why}.`, { file }, { cause });
  }
}
