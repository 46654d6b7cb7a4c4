import { readFile } from 'node:fs/promises';
import { CompressError } from '@compress/core';

/** A model's config.json. Throws `CompressError` `config-invalid`. */
export async function readConfig(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new CompressError(
      'config-invalid',
      `This cannot be read as JSON: ${(cause as Error).message}.`,
      { file },
      { cause },
    );
  }
}
