import type { RotationSpec } from '@compress/core';
import { configurationError, type Fields, isObject, refuseOthers, text } from './fields.ts';
import { matches } from './match-target.ts';

/** Where the library applies a transform while a model runs, as far as it is read here. */
type Location = 'input' | 'q_attn' | 'k_cache';

/** One place of one transform. */
export interface TransformReading {
  readonly location: Location;
  readonly targets: readonly string[];
  readonly ignore: readonly string[];
  /** Of the matrix; absent: the width of what is rotated. */
  readonly size: number | undefined;
}

/** In the weights already, whoever wrote them. */
const FOLDED = ['weight_input', 'weight_output'];

/** `transform_config`. Throws `CompressError` `quantization-config` for transforms that our forward pass does not know. */
export function readTransforms(fields: Fields, location: string): TransformReading[] {
  const fail = (message: string) => configurationError(`transform_config: ${message}`, location);
  refuseOthers(fields, ['config_groups'], 'transform_config', location);
  if (!isObject(fields.config_groups)) throw fail('config_groups must be an object.');
  return Object.entries(fields.config_groups).flatMap(([name, scheme]) => {
    if (!isObject(scheme) || !Array.isArray(scheme.apply)) throw fail(`${name} must say what it applies to.`);
    const { type, randomize = false, head_dim: head, apply } = scheme;
    const online = apply.filter((place) => !isObject(place) || !FOLDED.includes(place.location as string));
    if (online.length === 0) return [];
    if (type !== 'hadamard' || randomize !== false)
      throw fail(`${name} is a transform of type ${text(type)}, of which only hadamard is read, not randomized.`);
    if (head !== undefined && head !== null && (typeof head !== 'number' || !isPowerOfTwo(head)))
      throw fail(`head_dim of ${name} must be a power of two, not ${text(head)}.`);
    return online.map((place): TransformReading => {
      if (!isObject(place) || !['input', 'q_attn', 'k_cache'].includes(place.location as string))
        throw fail(`${name} is applied at ${text(isObject(place) ? place.location : place)}, which is not read.`);
      const { targets, ignore = [] } = place;
      return {
        location: place.location as Location,
        targets: names(targets),
        ignore: names(ignore),
        size: typeof head === 'number' ? head : undefined,
      };
    });

    function names(value: unknown): string[] {
      const list = typeof value === 'string' ? [value] : value;
      if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list;
      throw fail(`${name} must name its modules.`);
    }
  });
}

/** What rotates a module there, whose width is `features`. Throws `CompressError` `quantization-config` for two, or a width that is no power of two. */
export function rotationAt(
  transforms: readonly TransformReading[],
  location: Location,
  module: string,
  features: number,
  file: string,
): RotationSpec | undefined {
  const found = transforms.filter(
    (transform) =>
      transform.location === location &&
      transform.targets.some((target) => matches(target, module)) &&
      !transform.ignore.some((target) => matches(target, module)),
  );
  if (found.length === 0) return undefined;
  const size = found[0].size ?? features;
  if (found.length > 1 || !isPowerOfTwo(size) || features % size !== 0)
    throw configurationError(
      `transform_config: ${module} is rotated ${found.length} times by matrices of order ${size}, which is not read.`,
      file,
    );
  return { kind: 'hadamard', size };
}

function isPowerOfTwo(size: number): boolean {
  return Number.isInteger(size) && size > 0 && (size & (size - 1)) === 0;
}
