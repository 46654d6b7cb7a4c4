import type { Format } from '@compress/core';
import { decodeLayers } from '../decode-layers.ts';
import { loadLayer } from './gptq-layer.ts';
import { matchParts, PART_SUFFIXES } from './gptq-parts.ts';
import { readGptqConfiguration } from './read-gptq-configuration.ts';

/**
 * Every `X.qweight` with its parts becomes `X.weight`, as `decodeLayers` says. Throws `CompressError` `quantization-config`, `gptq-parts`;
 * reading throws `gptq-zeros` and `gptq-groups`.
 */
export const openGptq: Format['open'] = async (checkpoint, configuration) => {
  const reading = readGptqConfiguration(configuration, checkpoint.location);
  return decodeLayers(checkpoint, {
    suffixes: PART_SUFFIXES,
    match: (prefix) => matchParts(checkpoint, prefix, reading),
    load: (parts) => loadLayer(checkpoint, parts, reading),
  });
};
