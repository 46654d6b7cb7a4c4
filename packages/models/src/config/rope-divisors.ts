import { CompressError } from '@compress/core';
import { z } from 'zod';
import { readRope, ropeKeys } from './read-rope.ts';
import { readWith, size } from './read-with.ts';

const schema = z.object({ ...ropeKeys, max_position_embeddings: size });

/**
 * By what a configuration's scaling divides the plain frequency of each pair of a head's columns, `[headDimension / 2]`; undefined where it does not
 * scale. Throws `CompressError` `config-invalid`, and `rope-unsupported` for scalings that are more than divisors (YaRN, LongRoPE).
 */
export function ropeDivisors(config: unknown, headDimension: number): Float32Array | undefined {
  const settings = readWith(schema, config);
  const scaling = settings.rope_scaling ?? settings.rope_parameters ?? {};
  const plain = readRope(
    { ...settings, rope_scaling: null, rope_parameters: { rope_theta: scaling.rope_theta ?? settings.rope_theta } },
    { headDimension },
  );
  const rope = readRope(settings, { headDimension });
  const [short, long] = [rope.frequencies(1), rope.frequencies(settings.max_position_embeddings)];
  if (
    rope.amplitude !== 1 ||
    short.some((frequency, i) => frequency !== long[i]) ||
    rope.dimensions !== headDimension
  ) {
    throw new CompressError('rope-unsupported', 'Its rotary embedding is scaled in a way that divisors do not tell.', {
      file: 'config.json',
    });
  }
  const divisors = Float32Array.from(plain.frequencies(1), (frequency, i) => frequency / short[i]);
  return divisors.every((divisor) => divisor === 1) ? undefined : divisors;
}
