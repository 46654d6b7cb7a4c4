import { join } from 'node:path';
import { writeFileAtomic } from '../checkpoint/atomic-file.ts';
import type { FloatDtype } from '../checkpoint/dtype.ts';
import { CONFIG_FILE, readModelConfigText } from '../folder/read-model-config.ts';
import type { Format } from '../format/format.ts';

/** Numbers keep their spelling: readers that check types tell 1.0 from 1. (ECMAScript's JSON.parse source text access.) */
interface SourceTextJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

/**
 * Writes config.json with all keys of the source's as they were but those that tell how weights are stored and in which files: `quantization_config`, and MLX's `quantization`
 * and `transformers.js_config`, which are the format's or not there; and the format's own configuration file. Where the head was untied, `tie_word_embeddings` is
 * false, and where all floats were given one dtype, it says which. Throws `CompressError` `config-missing` or `config-invalid`.
 */
export async function writeConfig(p: {
  source: string;
  folder: string;
  format: Format;
  configuration: Readonly<Record<string, unknown>> | undefined;
  untied: boolean;
  floatDtype: FloatDtype | undefined;
}): Promise<void> {
  const {
    quantization_config: _,
    quantization: __,
    'transformers.js_config': ___,
    ...kept
  } = await readSpelled(p.source);
  const tied = p.floatDtype ? withDtype(kept, p.floatDtype) : kept;
  const config = p.untied ? untie(tied) : tied;
  const { configuration } = p;
  const written =
    configuration === undefined
      ? config
      : {
          ...config,
          quantization_config: configuration,
          ...p.format.packaging?.settings(configuration),
          ...(p.format.configurationKey !== undefined && { [p.format.configurationKey]: configuration }),
        };
  await writeFileAtomic(join(p.folder, CONFIG_FILE), `${JSON.stringify(written, undefined, 2)}\n`);
  if (configuration !== undefined && p.format.configurationFile !== undefined)
    await writeFileAtomic(
      join(p.folder, p.format.configurationFile),
      `${JSON.stringify(configuration, undefined, 2)}\n`,
    );
}

const DTYPE_NAMES = { F16: 'float16', BF16: 'bfloat16', F32: 'float32' };

/** `dtype` is what transformers writes now, `torch_dtype` what it wrote before and still reads. */
function withDtype(config: Record<string, unknown>, dtype: FloatDtype): Record<string, unknown> {
  const keys = ['dtype', 'torch_dtype'].filter((key) => key in config);
  const name = DTYPE_NAMES[dtype];
  return { ...config, ...Object.fromEntries((keys.length > 0 ? keys : ['torch_dtype']).map((key) => [key, name])) };
}

/** The decoder's settings lie under `text_config` in some models, where writers repeat the key or do not. */
function untie(config: Record<string, unknown>): Record<string, unknown> {
  const { text_config: text } = config;
  const untied = { ...config, tie_word_embeddings: false };
  return typeof text === 'object' && text !== null
    ? { ...untied, text_config: { ...text, tie_word_embeddings: false } }
    : untied;
}

/** config.json with its numbers as they are spelled. */
async function readSpelled(folder: string): Promise<Record<string, unknown>> {
  const json = JSON as unknown as SourceTextJson;
  const spelled = (value: unknown, source: string | undefined) =>
    typeof value === 'number' && source !== undefined ? json.rawJSON(source) : value;
  const text = await readModelConfigText(folder);
  return json.parse(text, (_key, value, { source }) => spelled(value, source)) as Record<string, unknown>;
}
