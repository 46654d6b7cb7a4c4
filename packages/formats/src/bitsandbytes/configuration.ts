import { CompressError, type Format } from '@compress/core';
import { type Scheme, schemeOf } from './scheme.ts';

const TORCH_DTYPES = { F16: 'float16', BF16: 'bfloat16', F32: 'float32' } as const;

/**
 * `quantization_config` of config.json, as transformers writes it but for the fields whose default it takes: of those, `llm_int8_threshold` must be
 * spelled 6.0.
 */
export const bitsandbytesConfiguration: Format['configuration'] = ({ grid, untouched, dtype = 'F32' }) => {
  const eight = schemeOf(grid) === 'int8';
  return {
    quant_method: 'bitsandbytes',
    _load_in_4bit: !eight,
    _load_in_8bit: eight,
    load_in_4bit: !eight,
    load_in_8bit: eight,
    ...(!eight && {
      bnb_4bit_quant_type: schemeOf(grid),
      bnb_4bit_use_double_quant: grid.nested === 'blocks',
      bnb_4bit_compute_dtype: TORCH_DTYPES[dtype],
      bnb_4bit_quant_storage: 'uint8',
    }),
    llm_int8_skip_modules: untouched.length > 0 ? untouched : null,
    llm_int8_enable_fp32_cpu_offload: false,
    llm_int8_has_fp16_weight: false,
  };
};

/** Which kind of layers a checkpoint has; of 4-bit ones, each says for itself which it is. Throws `CompressError` `quantization-config`. */
export function readBitsandbytesConfiguration(
  configuration: Readonly<Record<string, unknown>>,
  location: string,
): Extract<Scheme, 'int8'> | 'four-bit' {
  const fail = (message: string) => new CompressError('quantization-config', message, { file: location });
  const is = (key: string) => configuration[key] === true || configuration[`_${key}`] === true;
  if (is('load_in_4bit') === is('load_in_8bit'))
    throw fail('Exactly one of load_in_4bit and load_in_8bit must be true.');
  const storage = configuration.bnb_4bit_quant_storage ?? 'uint8';
  if (is('load_in_4bit') && storage !== 'uint8')
    throw fail(`bnb_4bit_quant_storage must be uint8, not ${JSON.stringify(storage)}: save the model with that.`);
  return is('load_in_8bit') ? 'int8' : 'four-bit';
}
