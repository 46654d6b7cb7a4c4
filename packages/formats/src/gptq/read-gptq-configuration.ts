import { CompressError } from '@compress/core';
import { GPTQ_BITS } from './gptq-layout.ts';

/** What a reader must know of `quantization_config`. */
export interface GptqReading {
  readonly bits: number;
  /** -1: one group a row. */
  readonly groupSize: number;
  readonly symmetric: boolean;
  /** `desc_act`: `g_idx` may be any map. */
  readonly reordered: boolean;
  /** What was subtracted from zero points before they were stored: 1 in `gptq`, 0 in `gptq_v2`. */
  readonly zeroOffset: 0 | 1;
  /** Per-module rules: bits and group size are then read from each layer's shapes alone. */
  readonly dynamic: boolean;
}

type Configuration = Readonly<Record<string, unknown>>;

/** Names of the same field in older writers (AutoGPTQ, AutoAWQ), the current name first. */
const BITS = ['bits', 'wbits', 'w_bit'];
const GROUP_SIZE = ['group_size', 'q_group_size'];
const CHECKPOINT_FORMAT = ['checkpoint_format', 'format', 'version'];

/** Fields that say how a checkpoint came about, or how it is to be run, and nothing about what its bytes mean. */
const WITHOUT_MEANING = new Set([
  ...[
    'quant_method',
    'method',
    'lm_head',
    'meta',
    'model_name_or_path',
    'model_file_base_name',
    'modules_in_block_to_quantize',
  ],
  ...['damp_percent', 'damp_auto_increment', 'true_sequential', 'static_groups', 'act_group_aware', 'hyb_act', 'mse'],
  ...['tokenizer', 'dataset', 'batch_size', 'pad_token_id', 'model_seqlen', 'max_input_length', 'cache_block_outputs'],
  ...['block_name_to_quantize', 'module_name_preceding_first_block', 'backend', 'exllama_config', 'disable_exllama'],
  ...['use_exllama', 'use_cuda_fp16', 'hessian', 'gptaq', 'foem', 'fallback', 'failsafe', 'v2', 'v2_alpha', 'rotation'],
  ...[
    'offload_to_disk',
    'offload_to_disk_path',
    'pack_impl',
    'gc_mode',
    'moe',
    'vram_strategy',
    'pre_filters',
    'smoother',
  ],
  ...['wait_for_submodule_finalizers', 'auto_forward_data_parallel', 'weight_only', 'mock_quantization'],
]);

/** Throws `CompressError` `quantization-config` for what is missing, wrong, or unknown: guessing would decode nonsense without a word. */
export function readGptqConfiguration(configuration: Configuration, location: string): GptqReading {
  const fail = (message: string) => new CompressError('quantization-config', message, { file: location });
  const known = new Set([...BITS, ...GROUP_SIZE, ...CHECKPOINT_FORMAT, ...WITHOUT_MEANING]);
  for (const key of ['sym', 'zero_point', 'desc_act', 'dynamic', 'pack_dtype', 'is_marlin_format', 'adapter'])
    known.add(key);
  for (const [key, value] of Object.entries(configuration)) {
    if (!known.has(key) && value !== null) {
      throw fail(
        `quantization_config has the field ${key}, which is unknown: remove it if it does not say how weights are stored.`,
      );
    }
  }

  const bits = first(configuration, BITS);
  if (typeof bits !== 'number' || !GPTQ_BITS.includes(bits))
    throw fail(`bits must be one of 2, 3, 4 and 8, not ${text(bits)}.`);
  const groupSize = first(configuration, GROUP_SIZE) ?? -1;
  if (typeof groupSize !== 'number' || !Number.isInteger(groupSize) || groupSize === 0 || groupSize < -1) {
    throw fail(`group_size must be -1 or a positive whole number, not ${text(groupSize)}.`);
  }
  const checkpointFormat = first(configuration, CHECKPOINT_FORMAT) ?? 'gptq';
  if (checkpointFormat !== 'gptq' && checkpointFormat !== 'gptq_v2') {
    throw fail(`checkpoint_format must be gptq or gptq_v2, not ${text(checkpointFormat)}.`);
  }
  const packType = configuration.pack_dtype ?? 'int32';
  if (packType !== 'int32') throw fail(`pack_dtype must be int32, not ${text(packType)}.`);
  if (truthy(configuration.is_marlin_format))
    throw fail('The weights are in the layout of Marlin kernels: export them as gptq.');
  if (truthy(configuration.adapter)) throw fail('The checkpoint has an adapter, which is not read: merge it first.');
  const zeroPoint = configuration.zero_point ?? undefined;
  return {
    bits,
    groupSize,
    symmetric:
      typeof configuration.sym === 'boolean' ? configuration.sym : zeroPoint === undefined || !truthy(zeroPoint),
    reordered: truthy(configuration.desc_act),
    zeroOffset: checkpointFormat === 'gptq' ? 1 : 0,
    dynamic: isRules(configuration.dynamic),
  };
}

function first(configuration: Configuration, names: readonly string[]): unknown {
  return names.map((name) => configuration[name] ?? undefined).find((value) => value !== undefined);
}

/** Rules may set bits, group size and symmetry; what those mean to one layer is in its shapes and zero points. */
function isRules(dynamic: unknown): boolean {
  return typeof dynamic === 'object' && dynamic !== null && Object.keys(dynamic).length > 0;
}

function truthy(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

function text(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
