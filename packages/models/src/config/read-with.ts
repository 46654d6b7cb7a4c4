import { CompressError } from '@compress/core';
import { z } from 'zod';

/** Reads a configuration by a schema; throws `CompressError` `config-invalid` that names the key and what is wrong with it. */
export function readWith<T>(schema: z.ZodType<T>, config: unknown): T {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const told = result.error.issues.map((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? `${issue.keys.join(', ')}: ` : '';
    return `${issue.path.join('.') || keys || 'the whole'}: ${issue.message}`;
  });
  throw new CompressError('config-invalid', `This configuration cannot be used: ${told.join('; ')}.`, {
    file: 'config.json',
  });
}

/** A feature that the forward pass does not have: its key may be absent, null or one of `neutral`, and any other value is refused. */
export function without(feature: string, ...neutral: readonly (string | number | boolean)[]) {
  return z
    .unknown()
    .refine((value) => value === undefined || value === null || neutral.some((one) => one === value), {
      error: (issue) => `${feature} is not supported (the value is ${JSON.stringify(issue.input)})`,
    })
    .optional();
}

/** An optional key that writers also leave as null. */
export function optional<T extends z.ZodType>(schema: T, otherwise: z.output<T>) {
  return schema.nullish().transform((value): z.output<T> => value ?? otherwise);
}

/** A positive integer: sizes and counts. */
export const size = z.int().positive();

/**
 * Counts of what a table builds one by one, before any tensor is looked for: what a file claims must not decide how much memory its reader
 * takes. The deepest models have some 130 blocks, the widest some 500 experts in each.
 */
export const blockCount = size.max(2048);
export const expertCount = size.max(4096);
/** Of all blocks together; DeepSeek-V3 has 15,616. */
export const MAX_EXPERTS = 131_072;
