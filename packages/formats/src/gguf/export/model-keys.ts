import type { GgufValue } from '../gguf-value.ts';
import type { ExportShape } from './read-shape.ts';

/** What a file says of itself, beside the sizes of its model. */
export interface ModelCard {
  readonly name: string;
  /** As on the Hub: `apache-2.0`. */
  readonly license?: string;
  /** The repository of the model that was quantized. */
  readonly baseModel?: string;
}

/** The keys of llama.cpp's `general` and of the architecture (ggml, `docs/gguf.md`). */
export function modelKeys(
  shape: ExportShape,
  card: ModelCard,
  file: { readonly parameters: number; readonly fileType: number; readonly quantized: boolean },
): ReadonlyMap<string, GgufValue> {
  const keys = new Map<string, GgufValue>();
  const text = (key: string, value: string | undefined) => {
    // llama.cpp's own writer leaves empty texts out.
    if (value) keys.set(key, { type: 'string', value });
  };
  const u32 = (key: string, value: number) => keys.set(key, { type: 'u32', value });
  const f32 = (key: string, value: number) => keys.set(key, { type: 'f32', value: Math.fround(value) });
  text('general.architecture', shape.architecture);
  text('general.type', 'model');
  text('general.name', card.name);
  text('general.size_label', sizeLabel(file.parameters));
  text('general.license', card.license);
  text('general.quantized_by', 'compress');
  if (card.baseModel !== undefined) {
    u32('general.base_model.count', 1);
    text('general.base_model.0.name', card.baseModel.split('/').at(-1));
    text('general.base_model.0.organization', card.baseModel.split('/').at(-2));
    text('general.base_model.0.repo_url', `https://huggingface.co/${card.baseModel}`);
  }
  const own = (key: string) => `${shape.architecture}.${key}`;
  u32(own('block_count'), shape.layers);
  u32(own('context_length'), shape.context);
  u32(own('embedding_length'), shape.hidden);
  u32(own('feed_forward_length'), shape.intermediate);
  u32(own('attention.head_count'), shape.heads);
  u32(own('attention.head_count_kv'), shape.kvHeads);
  u32(own('attention.key_length'), shape.headDim);
  u32(own('attention.value_length'), shape.headDim);
  f32(own('attention.layer_norm_rms_epsilon'), shape.epsilon);
  f32(own('rope.freq_base'), shape.ropeTheta);
  u32(own('rope.dimension_count'), shape.headDim);
  u32(own('vocab_size'), shape.vocabulary);
  u32('general.file_type', file.fileType);
  if (file.quantized) u32('general.quantization_version', 2);
  return keys;
}

/** 134515008 is 135M, 8030261248 is 8.0B, as llama.cpp rounds them. */
function sizeLabel(parameters: number): string {
  const [value, unit] =
    parameters > 1e12
      ? [parameters / 1e12, 'T']
      : parameters > 1e9
        ? [parameters / 1e9, 'B']
        : parameters > 1e6
          ? [parameters / 1e6, 'M']
          : [parameters / 1e3, 'K'];
  return `${value.toFixed(value < 10 ? 1 : 0)}${unit}`;
}
