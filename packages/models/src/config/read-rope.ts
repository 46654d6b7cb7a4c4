import { CompressError, type Rope } from '@compress/core';
import { z } from 'zod';
import { readWith, size } from './read-with.ts';
import { linearRope, llama3Rope, longRope, plainRope, yarnRope } from './rope.ts';

const positive = z.number().positive();

/** The keys of config.json that speak of rotary embeddings, as old writers (`rope_theta`, `rope_scaling`) and new ones (`rope_parameters`) leave them. */
export const ropeKeys = {
  rope_theta: positive.nullish(),
  partial_rotary_factor: positive.nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
  original_max_position_embeddings: size.nullish(),
};

const ropeConfig = z.object({ ...ropeKeys, max_position_embeddings: size });

/** Strict: an option of a scaling that we do not know would change the function. */
const scalingSchema = z.strictObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: positive.nullish(),
  partial_rotary_factor: positive.nullish(),
  factor: positive.nullish(),
  original_max_position_embeddings: size.nullish(),
  low_freq_factor: positive.nullish(),
  high_freq_factor: positive.nullish(),
  attention_factor: positive.nullish(),
  beta_fast: positive.nullish(),
  beta_slow: positive.nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  truncate: z.boolean().nullish(),
  short_factor: z.array(positive).nullish(),
  long_factor: z.array(positive).nullish(),
});

type Scaling = z.output<typeof scalingSchema>;

/**
 * The rotary embedding that a configuration describes. `layerType` picks the entry of `rope_parameters` where that is kept by type of
 * layer. Throws `CompressError`: `config-invalid`, `rope-unsupported` (a type that is not known).
 */
export function readRope(
  config: z.output<typeof ropeConfig>,
  p: {
    readonly headDimension: number;
    readonly theta?: number;
    readonly partial?: number;
    readonly layerType?: string;
    /** Other names of rope types in this architecture. */
    readonly aliases?: Readonly<Record<string, string>>;
  },
): Rope {
  const parameters = config.rope_scaling ?? config.rope_parameters ?? {};
  const ofLayer = p.layerType === undefined ? undefined : parameters[p.layerType];
  const scaling = readWith(z.object({ rope_parameters: scalingSchema }), {
    rope_parameters: ofLayer ?? parameters,
  }).rope_parameters;
  const theta = scaling.rope_theta ?? config.rope_theta ?? p.theta ?? 10_000;
  const partial = scaling.partial_rotary_factor ?? config.partial_rotary_factor ?? p.partial ?? 1;
  if (partial > 1)
    throw new CompressError(
      'rope-unsupported',
      `Rotary embeddings cannot turn ${partial} times the dimensions of a head.`,
      {
        file: 'config.json',
      },
    );
  const dimensions = Math.trunc(p.headDimension * partial);
  if (dimensions % 2 !== 0)
    throw new CompressError(
      'rope-unsupported',
      `Rotary embeddings need an even number of dimensions, not ${dimensions}.`,
      {
        file: 'config.json',
      },
    );
  const told = scaling.rope_type ?? scaling.type ?? 'default';
  const originalLength =
    config.original_max_position_embeddings ??
    scaling.original_max_position_embeddings ??
    config.max_position_embeddings;
  return scaleRope(p.aliases?.[told] ?? told, plainRope(theta, dimensions), scaling, {
    theta,
    originalLength,
    contextLength: config.max_position_embeddings,
  });
}

function scaleRope(
  type: string,
  plain: Rope,
  scaling: Scaling,
  p: { readonly theta: number; readonly originalLength: number; readonly contextLength: number },
): Rope {
  const { originalLength } = p;
  const factor = scaling.factor ?? p.contextLength / originalLength;
  switch (type) {
    case 'default':
      return plain;
    case 'linear':
      return linearRope(plain, required(scaling, 'factor'));
    case 'llama3':
      return llama3Rope(plain, {
        factor: required(scaling, 'factor'),
        lowFactor: required(scaling, 'low_freq_factor'),
        highFactor: required(scaling, 'high_freq_factor'),
        originalLength,
      });
    case 'yarn':
      return yarnRope(plain, {
        theta: p.theta,
        factor,
        originalLength,
        betaFast: scaling.beta_fast ?? 32,
        betaSlow: scaling.beta_slow ?? 1,
        truncate: scaling.truncate ?? true,
        amplitude: scaling.attention_factor ?? yarnAmplitude(factor, scaling),
      });
    case 'longrope': {
      const frequencies = plain.dimensions / 2;
      return longRope(plain, {
        short: requiredList(scaling, 'short_factor', frequencies),
        long: requiredList(scaling, 'long_factor', frequencies),
        originalLength,
        amplitude:
          scaling.attention_factor ?? (factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalLength))),
      });
    }
    default:
      throw new CompressError(
        'rope-unsupported',
        `The rope type ${JSON.stringify(type)} is not supported; known are default, linear, llama3, yarn and longrope.`,
        { file: 'config.json' },
      );
  }
}

/** 0.1 m ln(factor) + 1, or the ratio of two of these where a configuration gives both m. */
function yarnAmplitude(factor: number, { mscale, mscale_all_dim }: Scaling): number {
  const amplitude = (m: number) => (factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1);
  return mscale && mscale_all_dim ? amplitude(mscale) / amplitude(mscale_all_dim) : amplitude(1);
}

function required(scaling: Scaling, key: 'factor' | 'low_freq_factor' | 'high_freq_factor'): number {
  const value = scaling[key];
  if (value !== undefined && value !== null) return value;
  throw missing(key, 'a number');
}

function requiredList(scaling: Scaling, key: 'short_factor' | 'long_factor', length: number): readonly number[] {
  const value = scaling[key];
  if (value?.length === length) return value;
  throw missing(key, `a list of ${length} numbers`);
}

function missing(key: string, what: string): CompressError {
  return new CompressError('config-invalid', `The rope scaling must give ${key}, ${what}.`, { file: 'config.json' });
}
