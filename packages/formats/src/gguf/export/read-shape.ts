import type { DecoderShape } from '../decoder-shape.ts';
import { exportFault } from './export-fault.ts';

/** What of a model's `config.json` a GGUF file tells. */
export interface ExportShape extends DecoderShape {
  /** llama.cpp's name. */
  readonly architecture: 'llama' | 'qwen2' | 'qwen3';
  /** The output layer is the embedding. */
  readonly tied: boolean;
  /** The rotary embedding is scaled in a way of this name. */
  readonly ropeScaling: string | undefined;
}

/** By `model_type`. */
const ARCHITECTURES: Readonly<Record<string, ExportShape['architecture']>> = {
  llama: 'llama',
  mistral: 'llama',
  qwen2: 'qwen2',
  qwen3: 'qwen3',
};

/**
 * Tokens that attention reaches back, where it does not reach everything. llama.cpp's graphs of these architectures have no such window: up to its
 * length both are the same model, and so the file's context ends there.
 */
function slidingWindow({ sliding_window, use_sliding_window }: Readonly<Record<string, unknown>>): number | undefined {
  return typeof sliding_window === 'number' && use_sliding_window !== false ? sliding_window : undefined;
}

/**
 * Reads `config.json`, as old writers and new ones leave it. Throws `CompressError` `gguf-export` for architectures that are not exported and for
 * what is missing.
 */
export function readShape(config: Readonly<Record<string, unknown>>, file: string): ExportShape {
  const natural = (key: string): number | undefined => {
    const value = config[key] ?? undefined;
    if (value === undefined) return undefined;
    if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
    throw exportFault(`${key} must be a whole number above 0.`, file);
  };
  const need = <T>(value: T | undefined, key: string): T => {
    if (value !== undefined) return value;
    throw exportFault(`${key} is missing.`, file);
  };
  const size = (key: string) => need(natural(key), key);
  const number = (value: unknown, key: string): number => {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw exportFault(`${key} must be a number.`, file);
  };
  const type = config.model_type;
  const architecture = typeof type === 'string' && Object.hasOwn(ARCHITECTURES, type) ? ARCHITECTURES[type] : undefined;
  if (architecture === undefined) {
    const known = Object.keys(ARCHITECTURES).join(', ');
    throw exportFault(`The architecture ${JSON.stringify(type)} is not exported to GGUF (only ${known}).`, file);
  }
  if ((config.hidden_act ?? 'silu') !== 'silu') throw exportFault('hidden_act must be silu.', file);
  const hidden = size('hidden_size');
  const heads = size('num_attention_heads');
  const headDim = natural('head_dim') ?? hidden / heads;
  if (headDim % 2 !== 0) throw exportFault(`Heads of ${headDim} columns have no halves to rotate.`, file);
  const rope = (config.rope_scaling ?? config.rope_parameters ?? {}) as Readonly<Record<string, unknown>>;
  const scaling = rope.rope_type ?? rope.type ?? 'default';
  return {
    architecture,
    layers: size('num_hidden_layers'),
    hidden,
    intermediate: size('intermediate_size'),
    heads,
    kvHeads: natural('num_key_value_heads') ?? heads,
    headDim,
    context: Math.min(size('max_position_embeddings'), slidingWindow(config) ?? Number.POSITIVE_INFINITY),
    vocabulary: size('vocab_size'),
    epsilon: number(config.rms_norm_eps ?? 1e-6, 'rms_norm_eps'),
    ropeTheta: number(rope.rope_theta ?? config.rope_theta ?? 10_000, 'rope_theta'),
    tied: config.tie_word_embeddings === true,
    ropeScaling: scaling === 'default' ? undefined : typeof scaling === 'string' ? scaling : JSON.stringify(scaling),
  };
}
