import type { Decoder } from '@compress/core';
import type { z } from 'zod';
import { readWith } from '../config/read-with.ts';

/** One architecture: which checkpoints are its own, and how their configuration becomes a {@link Decoder}. */
export interface Architecture {
  readonly name: string;
  /** Values of `model_type` in config.json. */
  readonly modelTypes: readonly string[];
  /** What may stand before every tensor's name but the head's; the first that fits the checkpoint is taken. */
  readonly prefixes: readonly string[];
  /** Buffers that writers left among the weights and that the forward pass makes itself. */
  readonly buffers?: RegExp;
  /** Throws `CompressError` `config-invalid` or `rope-unsupported`. */
  decoder(config: unknown, prefix: string): Decoder;
}

/** Ties a table's schema of config.json to its `decoder`. */
export function defineArchitecture<Config>(
  table: Omit<Architecture, 'decoder'> & {
    readonly config: z.ZodType<Config>;
    decoder(config: Config, prefix: string): Decoder;
  },
): Architecture {
  return { ...table, decoder: (config, prefix) => table.decoder(readWith(table.config, config), prefix) };
}
