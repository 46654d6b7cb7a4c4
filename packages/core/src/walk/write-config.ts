import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../checkpoint/atomic-file.ts';
import { CompressError } from '../errors.ts';
import type { Format } from '../format/format.ts';
import { CONFIG_FILE } from './source-files.ts';

/** Numbers keep their spelling: readers that check types tell 1.0 from 1. (ECMAScript's JSON.parse source text access.) */
interface SourceTextJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

/**
 * Writes config.json with all keys of the source's as they were but `quantization_config`, which is `configuration` or not there, and
 * the format's own configuration file. Throws `CompressError` `config-missing` or `config-invalid`.
 */
export async function writeConfig(p: {
  source: string;
  folder: string;
  format: Format;
  configuration: Readonly<Record<string, unknown>> | undefined;
}): Promise<void> {
  const { quantization_config: _, ...config } = await readConfig(join(p.source, CONFIG_FILE));
  const { configuration } = p;
  const written = configuration === undefined ? config : { ...config, quantization_config: configuration };
  await writeFileAtomic(join(p.folder, CONFIG_FILE), `${JSON.stringify(written, undefined, 2)}\n`);
  if (configuration !== undefined && p.format.configurationFile !== undefined)
    await writeFileAtomic(
      join(p.folder, p.format.configurationFile),
      `${JSON.stringify(configuration, undefined, 2)}\n`,
    );
}

async function readConfig(file: string): Promise<Record<string, unknown>> {
  const json = JSON as unknown as SourceTextJson;
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new CompressError('config-missing', 'The model has no config.json that can be read.', { file }, { cause });
  });
  try {
    const spelled = (value: unknown, source: string | undefined) =>
      typeof value === 'number' && source !== undefined ? json.rawJSON(source) : value;
    return json.parse(text, (_key, value, { source }) => spelled(value, source)) as Record<string, unknown>;
  } catch (cause) {
    throw new CompressError('config-invalid', `This is not JSON: ${(cause as Error).message}.`, { file }, { cause });
  }
}
