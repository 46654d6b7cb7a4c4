import type { Format } from '@compress/core';

/** The first version of the library that packs widths other than 1, 2, 4 and 8 as a dense bit stream, which is what is written here. */
const LAYOUT_VERSION = '0.13.0';

/** `quantization_config` of config.json: one group of all Linears, but for those that are named to be ignored. */
export const packConfiguration: Format['configuration'] = ({ grid, groupSize, untouched }) => ({
  quant_method: 'compressed-tensors',
  version: LAYOUT_VERSION,
  format: 'pack-quantized',
  quantization_status: 'compressed',
  global_compression_ratio: null,
  ignore: untouched,
  kv_cache_scheme: null,
  config_groups: {
    group_0: {
      targets: ['Linear'],
      weights: {
        num_bits: grid.bits,
        type: 'int',
        symmetric: grid.symmetric,
        strategy: groupSize === -1 ? 'channel' : 'group',
        group_size: groupSize === -1 ? null : groupSize,
        dynamic: false,
      },
      input_activations: null,
      output_activations: null,
      format: 'pack-quantized',
    },
  },
});
