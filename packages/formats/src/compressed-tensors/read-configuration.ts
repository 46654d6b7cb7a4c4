import type { CacheScheme } from './cache-scheme.ts';
import { configurationError, type Fields, isEmpty, isObject, refuseOthers, text } from './fields.ts';
import type { Layout } from './layout.ts';
import { groupOf } from './match-target.ts';
import {
  type ActivationReading,
  readActivationArguments,
  readWeightArguments,
  type WeightReading,
} from './read-arguments.ts';
import { readCacheScheme } from './read-cache-scheme.ts';
import { readTransforms, type TransformReading } from './read-transforms.ts';

/** What a reader must know of `quantization_config`. */
export interface Reading {
  /** Absent where all weights are floats. */
  readonly codes?: { readonly layout: Layout; readonly weights: WaysOfWeights };
  /** In the order of `config_groups`. */
  readonly groups: readonly GroupReading[];
  readonly cache?: CacheScheme;
  readonly transforms: readonly TransformReading[];
}

/** How the weight of a Linear, by its module path, is quantized. Throws `CompressError` `quantization-config` where several ways are told and none is its. */
export type WaysOfWeights = (linear: string) => WeightReading;

/** Some Linears, and how their activations are rounded. */
export interface GroupReading {
  /** Module paths, `re:` and a pattern for their beginning, or classes of modules. */
  readonly targets: readonly string[];
  readonly input?: ActivationReading;
}

/** Fields that say how a checkpoint came about, or which layers are in codes, which the tensors themselves tell. */
const WITHOUT_MEANING = ['quant_method', 'quantization_status', 'global_compression_ratio', 'ignore', 'run_compressed'];

const BESIDE_WEIGHTS = ['kv_cache_scheme', 'transform_config'];

/** Formats that are read; `naive-quantized` is what the library calls a byte a code where activations are not rounded. */
const LAYOUTS = [
  'pack-quantized',
  'int-quantized',
  'float-quantized',
  'nvfp4-pack-quantized',
  'mxfp4-pack-quantized',
] as const satisfies readonly Layout[];

/** Widths whose packed codes never straddle words: those have one layout in all versions. */
const SAME_IN_ALL_VERSIONS = [2, 4, 8];
const DENSE_SINCE = [0, 13];

/** Throws `CompressError` `quantization-config` for what is missing, wrong, unknown, or would change what the model computes: it would do so without a word. */
export function readConfiguration(configuration: Fields, location: string): Reading {
  const fail = (message: string) => configurationError(message, location);
  const { format, sparsity_config: sparsity, config_groups: given, version } = configuration;
  const { kv_cache_scheme: cache, transform_config: transforms } = configuration;
  const known = [...WITHOUT_MEANING, 'version', 'format', 'config_groups', 'sparsity_config', ...BESIDE_WEIGHTS];
  refuseOthers(configuration, known, 'quantization_config', location);
  if (!isEmpty(cache) && !isObject(cache)) throw fail('kv_cache_scheme must be an object.');
  if (!isEmpty(transforms) && !isObject(transforms)) throw fail('transform_config must be an object.');
  const beside = {
    ...(isObject(cache) && !isEmpty(cache) && { cache: readCacheScheme(cache, location) }),
    transforms: isObject(transforms) && !isEmpty(transforms) ? readTransforms(transforms, location) : [],
  };
  if (format === 'dense' && isEmpty(given)) return { groups: [], ...beside };
  const naive = isObject(given) && Object.values(given).some(isFloat) ? 'float-quantized' : 'int-quantized';
  const layout = layoutNamed(format, 'quantization_config');
  if (!isEmpty(sparsity) && (!isObject(sparsity) || sparsity.format !== 'dense'))
    throw fail('quantization_config has a sparsity_config, which is not read.');
  if (!isObject(given)) throw fail('config_groups must be an object.');

  const groups = Object.entries(given).map(([name, group]) => readGroup(name, group));
  const [first] = groups;
  if (!first) throw fail('config_groups has no group.');
  for (const { bits } of groups.map(({ weights }) => weights))
    if (layout === 'pack-quantized' && !SAME_IN_ALL_VERSIONS.includes(bits) && !isDense(version))
      throw fail(
        `${bits} bits are packed in another way before version 0.13, and version is ${text(version)}: write the checkpoint with a newer one.`,
      );
  const oneWay = groups.every(({ weights }) => JSON.stringify(weights) === JSON.stringify(first.weights));
  const weightsOf = (linear: string) => {
    const group = oneWay ? first : groupOf(linear, groups);
    if (!group) throw fail(`${linear} is in codes, but no group of config_groups names it.`);
    return group.weights;
  };
  return { codes: { layout, weights: weightsOf }, groups, ...beside };

  function layoutNamed(value: unknown, where: string): Layout {
    const found = value === 'naive-quantized' ? naive : LAYOUTS.find((name) => name === value);
    if (found === undefined) throw fail(`The format of ${where} must be ${LAYOUTS.join(' or ')}, not ${text(value)}.`);
    return found;
  }

  function readGroup(name: string, group: unknown): GroupReading & { readonly weights: WeightReading } {
    if (!isObject(group)) throw fail(`${name} of config_groups must be an object.`);
    refuseOthers(group, ['targets', 'weights', 'format', 'input_activations'], name, location);
    if (!isEmpty(group.format) && layoutNamed(group.format, name) !== layout)
      throw fail(
        `The format of ${name} is ${text(group.format)} and that of the whole ${text(format)}: only one is read.`,
      );
    if (!isObject(group.weights)) throw fail(`${name} of config_groups must say how weights are quantized.`);
    const { targets = ['Linear'], input_activations: input } = group;
    if (!Array.isArray(targets) || !targets.every((target) => typeof target === 'string'))
      throw fail(`The targets of ${name} must be names of modules.`);
    if (!isEmpty(input) && !isObject(input)) throw fail(`input_activations of ${name} must be an object.`);
    return {
      targets,
      weights: readWeightArguments(group.weights, layout, name, location),
      ...(isObject(input) && !isEmpty(input) && { input: readActivationArguments(input, name, location) }),
    };
  }
}

function isFloat(group: unknown): boolean {
  return isObject(group) && isObject(group.weights) && group.weights.type === 'float';
}

function isDense(version: unknown): boolean {
  const match = typeof version === 'string' ? /^(\d+)\.(\d+)/.exec(version) : null;
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > DENSE_SINCE[0] || minor >= DENSE_SINCE[1];
}
