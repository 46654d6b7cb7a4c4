import { CompressError } from '@compress/core';

/** What a reader must know of `quantization_config`. */
export interface PackReading {
  /** 2..8 */
  readonly bits: number;
  readonly symmetric: boolean;
  /** -1: one group a row. */
  readonly groupSize: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that say how a checkpoint came about, or which layers are in codes, which the tensors themselves tell. */
const WITHOUT_MEANING = ['quant_method', 'quantization_status', 'global_compression_ratio', 'ignore', 'run_compressed'];
const GROUP_WITHOUT_MEANING = ['targets'];
const WEIGHTS_WITHOUT_MEANING = ['observer', 'observer_kwargs', 'scale_dtype', 'zp_dtype'];

/** Widths whose codes never straddle words: those have one layout in all versions. */
const SAME_IN_ALL_VERSIONS = [2, 4, 8];
const DENSE_SINCE = [0, 13];

/** Throws `CompressError` `quantization-config` for what is missing, wrong, unknown, or would change what the model computes: it would do so without a word. */
export function readPackConfiguration(configuration: Fields, location: string): PackReading {
  const fail = (message: string) => new CompressError('quantization-config', message, { file: location });
  const known = (fields: Fields, names: readonly string[], where: string) => {
    for (const [key, value] of Object.entries(fields))
      if (!names.includes(key) && !isEmpty(value))
        throw fail(`${where} has the field ${key} = ${JSON.stringify(value)}, which is not read.`);
  };
  known(
    configuration,
    [...WITHOUT_MEANING, 'version', 'format', 'config_groups', 'sparsity_config'],
    'quantization_config',
  );
  onlyFormat(configuration.format, 'quantization_config');
  const sparsity = configuration.sparsity_config;
  if (!isEmpty(sparsity) && (!isObject(sparsity) || sparsity.format !== 'dense'))
    throw fail('quantization_config has a sparsity_config, which is not read.');

  if (!isObject(configuration.config_groups)) throw fail('config_groups must be an object.');
  const groups = Object.entries(configuration.config_groups);
  const readings = groups.map(([name, group]) => {
    if (!isObject(group)) throw fail(`${name} of config_groups must be an object.`);
    known(group, [...GROUP_WITHOUT_MEANING, 'weights', 'format'], name);
    if (!isEmpty(group.format)) onlyFormat(group.format, name);
    if (!isObject(group.weights)) throw fail(`${name} of config_groups must say how weights are quantized.`);
    return readWeights(group.weights, name);
  });
  const [first] = readings;
  if (!first) throw fail('config_groups has no group.');
  if (readings.some((reading) => JSON.stringify(reading) !== JSON.stringify(first)))
    throw fail('The groups of config_groups differ in how weights are quantized: only one way for all is read.');
  if (!SAME_IN_ALL_VERSIONS.includes(first.bits) && !isDense(configuration.version))
    throw fail(
      `${first.bits} bits are packed in another way before version 0.13, and version is ${text(configuration.version)}: write the checkpoint with a newer one.`,
    );
  return first;

  function onlyFormat(value: unknown, where: string): void {
    if (value !== 'pack-quantized') throw fail(`The format of ${where} must be pack-quantized, not ${text(value)}.`);
  }

  function readWeights(weights: Fields, name: string): PackReading {
    known(
      weights,
      [...WEIGHTS_WITHOUT_MEANING, 'num_bits', 'type', 'symmetric', 'strategy', 'group_size', 'actorder', 'dynamic'],
      `weights of ${name}`,
    );
    const { num_bits: bits, type, symmetric = true, strategy, group_size: groupSize, dynamic = false } = weights;
    const order = weights.actorder ?? null;
    if (typeof bits !== 'number' || !Number.isInteger(bits) || bits < 2 || bits > 8)
      throw fail(`num_bits must be 2 to 8, not ${text(bits)}.`);
    if (type !== 'int') throw fail(`The type of weights must be int, not ${text(type)}.`);
    if (typeof symmetric !== 'boolean') throw fail(`symmetric must be true or false, not ${text(symmetric)}.`);
    if (dynamic !== false) throw fail(`dynamic must be false for weights, not ${text(dynamic)}.`);
    if (order !== null && order !== false && order !== 'weight' && order !== 'static')
      throw fail(`actorder must be weight, not ${text(order)}: an index of groups is not read.`);
    if (strategy === 'channel') return { bits, symmetric, groupSize: -1 };
    if (strategy !== 'group') throw fail(`strategy must be group or channel, not ${text(strategy)}.`);
    if (typeof groupSize !== 'number' || !Number.isInteger(groupSize) || groupSize < 1)
      throw fail(`group_size must be a positive whole number, not ${text(groupSize)}.`);
    return { bits, symmetric, groupSize };
  }
}

function isDense(version: unknown): boolean {
  const match = /^(\d+)\.(\d+)/.exec(String(version));
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > DENSE_SINCE[0] || minor >= DENSE_SINCE[1];
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (isObject(value) && Object.keys(value).length === 0);
}

function text(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
