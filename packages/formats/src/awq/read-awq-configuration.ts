import { CompressError } from '@compress/core';
import { isWord } from '../is-word.ts';
import { AWQ_BITS } from './awq-layout.ts';

/** What a reader must know of `quantization_config`. */
export interface AwqReading {
  /** -1: one group a row. */
  readonly groupSize: number;
}

type Configuration = Readonly<Record<string, unknown>>;

/** Names of the same field as transformers and as AutoAWQ write it. */
const BITS = ['bits', 'w_bit'];
const GROUP_SIZE = ['group_size', 'q_group_size'];
const LAYOUT = ['version', 'checkpoint_format', 'format'];

/** Fields that say how a checkpoint is to be run, or which layers are in codes, which the tensors themselves tell. */
const WITHOUT_MEANING = new Set([
  ...['quant_method', 'method', 'modules_to_not_convert', 'backend', 'exllama_config', 'do_fuse', 'modules_to_fuse'],
  ...['fuse_max_seq_len', 'meta', 'lm_head', 'pack_dtype', 'desc_act', 'sym', 'true_sequential'],
]);

/** Throws `CompressError` `quantization-config` for what is missing, wrong, or unknown: guessing would decode nonsense without a word. */
export function readAwqConfiguration(configuration: Configuration, location: string): AwqReading {
  const fail = (message: string) => new CompressError('quantization-config', message, { file: location });
  const known = new Set([...BITS, ...GROUP_SIZE, ...LAYOUT, ...WITHOUT_MEANING, 'zero_point']);
  for (const [key, value] of Object.entries(configuration))
    if (!known.has(key) && value !== null)
      throw fail(
        `quantization_config has the field ${key}, which is unknown: remove it if it does not say how weights are stored.`,
      );
  const first = (names: readonly string[]) =>
    names.map((name) => configuration[name] ?? undefined).find((v) => v !== undefined);
  const bits = first(BITS);
  if (bits !== AWQ_BITS) throw fail(`bits must be ${AWQ_BITS}, not ${text(bits)}.`);
  const groupSize = first(GROUP_SIZE);
  if (typeof groupSize !== 'number' || !Number.isInteger(groupSize) || groupSize === 0 || groupSize < -1)
    throw fail(`group_size must be -1 or a positive whole number, not ${text(groupSize)}.`);
  const layout = first(LAYOUT) ?? 'gemm';
  if (!isWord(layout, 'gemm'))
    throw fail(`version must be gemm, not ${text(layout)}: codes lie in another order there, which is not read.`);
  if ((configuration.zero_point ?? true) !== true)
    throw fail(`zero_point must be true, not ${text(configuration.zero_point)}.`);
  return { groupSize };
}

function text(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
