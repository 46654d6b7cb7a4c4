import type { ActivationQuantizer } from '@compress/core';

/** `QuantizationArgs` of activations that are rounded so, or null where they stay in floats. */
export function activationArguments(quantizer: ActivationQuantizer | undefined) {
  if (quantizer === undefined) return null;
  const { grid, bits, scale } = quantizer;
  const token = scale === 'token';
  return {
    num_bits: bits,
    type: grid === 'fp8' ? 'float' : 'int',
    symmetric: true,
    strategy: token ? 'token' : 'tensor',
    group_size: null,
    dynamic: token,
  };
}
