import type { Block, Decoder } from '@compress/core';
import type { z } from 'zod';
import type { standardConfig } from '../config/standard-config.ts';
import { rmsNorm } from './parts.ts';

/** The frame of Llama and its kin: token table, blocks one after the other, RMSNorm and head. */
export function standardDecoder(
  config: Omit<z.output<typeof standardConfig>, 'hidden_act'>,
  prefix: string,
  block: (path: string, layer: number) => Pick<Block, 'attention' | 'feedForward'>,
  options: { readonly embeddingScale?: number; readonly unitOffset?: boolean } = {},
): Decoder {
  return {
    hiddenSize: config.hidden_size,
    vocabularySize: config.vocab_size,
    contextLength: config.max_position_embeddings,
    tokenTable: `${prefix}embed_tokens.weight`,
    embeddingScale: options.embeddingScale ?? 1,
    blocks: Array.from({ length: config.num_hidden_layers }, (_, layer) => {
      const path = `${prefix}layers.${layer}`;
      return { path, ...block(path, layer) };
    }),
    finalNorm: rmsNorm(`${prefix}norm`, config.rms_norm_eps, options.unitOffset),
    head: 'lm_head',
    tied: config.tie_word_embeddings,
  };
}
