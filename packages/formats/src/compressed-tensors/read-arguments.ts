import type { ScaleRows } from '@compress/core';
import { configurationError, type Fields, refuseOthers, text } from './fields.ts';
import type { Layout } from './layout.ts';

/** What a reader must know of how weights are quantized. */
export interface WeightReading {
  /** 2..8 */
  readonly bits: number;
  readonly type: 'int' | 'float';
  readonly symmetric: boolean;
  /** -1: one group a row. */
  readonly groupSize: number;
  readonly scaleRows: ScaleRows;
}

/** What a reader must know of how activations are rounded; `tensor`: by the scale that lies in `input_scale`. */
export interface ActivationReading {
  readonly bits: number;
  readonly type: 'int' | 'float';
  readonly scale: 'token' | 'tensor';
}

const WITHOUT_MEANING = ['observer', 'observer_kwargs', 'scale_dtype', 'zp_dtype'];
const KNOWN = [...WITHOUT_MEANING, 'num_bits', 'type', 'symmetric', 'strategy', 'group_size', 'dynamic'];

/** What weights in a layout can be; `bits` of floats, `groups` where only one size is known. */
const RULES: Readonly<
  Record<
    Layout,
    {
      readonly types: readonly string[];
      readonly strategies: readonly string[];
      readonly bits?: number;
      readonly groups?: number;
    }
  >
> = {
  'pack-quantized': { types: ['int'], strategies: ['group', 'channel'] },
  'int-quantized': { types: ['int'], strategies: ['group', 'channel', 'tensor', 'block'] },
  'float-quantized': { types: ['float'], strategies: ['group', 'channel', 'tensor', 'block'], bits: 8 },
  'nvfp4-pack-quantized': { types: ['float'], strategies: ['tensor_group'], bits: 4, groups: 16 },
  'mxfp4-pack-quantized': { types: ['float'], strategies: ['group'], bits: 4, groups: 32 },
};

/** `QuantizationArgs` of weights. Throws `CompressError` `quantization-config`. */
export function readWeightArguments(weights: Fields, layout: Layout, group: string, location: string): WeightReading {
  const fail = (message: string) => configurationError(message, location);
  refuseOthers(weights, [...KNOWN, 'actorder', 'block_structure'], `weights of ${group}`, location);
  const numbers = readNumbers(weights, 'weights', location);
  const { dynamic = false, group_size: groupSize, block_structure: block } = weights;
  if (dynamic !== false) throw fail(`dynamic must be false for weights, not ${text(dynamic)}.`);
  const order = weights.actorder ?? null;
  if (order !== null && order !== false && order !== 'weight' && order !== 'static')
    throw fail(`actorder must be weight, not ${text(order)}: an index of groups is not read.`);
  const { strategies, types, bits, groups } = RULES[layout];
  const strategy = strategyOf(weights);
  if (!types.includes(numbers.type))
    throw fail(`The type of weights must be ${types.join(' or ')}, not ${text(numbers.type)}.`);
  const width = numbers.type === 'float' ? bits : numbers.bits;
  if (numbers.bits !== width) throw fail(`num_bits of floats in ${layout} must be ${bits}, not ${numbers.bits}.`);
  if (numbers.type === 'float' && !numbers.symmetric) throw fail('symmetric must be true for floats.');
  if (!strategies.includes(strategy as string))
    throw fail(`The strategy of ${layout} must be ${strategies.join(' or ')}, not ${text(strategy)}.`);
  if (strategy !== 'block' && block !== undefined && block !== null)
    throw fail(`block_structure belongs to the strategy block, not to ${text(strategy)}.`);
  if (strategy === 'tensor') return { ...numbers, groupSize: -1, scaleRows: 'all' };
  if (strategy === 'channel') return { ...numbers, groupSize: -1, scaleRows: 1 };
  if (strategy === 'block') {
    const [scaleRows, columns] = Array.isArray(block) ? block : [];
    if (!isCount(scaleRows) || !isCount(columns))
      throw fail(`block_structure must be two positive whole numbers, not ${text(block)}.`);
    return { ...numbers, groupSize: columns, scaleRows };
  }
  if (!isCount(groupSize)) throw fail(`group_size must be a positive whole number, not ${text(groupSize)}.`);
  if (groups !== undefined && groupSize !== groups)
    throw fail(`group_size of ${layout} must be ${groups}, not ${groupSize}.`);
  return { ...numbers, groupSize, scaleRows: 1 };
}

/** `QuantizationArgs` of activations. Throws `CompressError` `quantization-config`. */
export function readActivationArguments(fields: Fields, group: string, location: string): ActivationReading {
  const where = `input_activations of ${group}`;
  refuseOthers(fields, KNOWN, where, location);
  const { bits, type, symmetric } = readNumbers(fields, 'activations', location);
  if (!symmetric) throw configurationError(`${where} have zero points, which are not read.`, location);
  if (type === 'float' && bits !== 8)
    throw configurationError(`${where} are floats of ${bits} bits, of which only 8 are read.`, location);
  const { dynamic = false } = fields;
  const strategy = strategyOf(fields);
  if (strategy === 'token' && dynamic === true) return { bits, type, scale: 'token' };
  if (strategy === 'tensor' && dynamic === false) return { bits, type, scale: 'tensor' };
  throw configurationError(
    `${where} must be dynamic by token or static by tensor, not of strategy ${text(strategy)} with dynamic ${text(dynamic)}.`,
    location,
  );
}

function readNumbers(fields: Fields, what: string, location: string) {
  const { num_bits: bits = 8, type = 'int', symmetric = true } = fields;
  if (typeof bits !== 'number' || !Number.isInteger(bits) || bits < 2 || bits > 8)
    throw configurationError(`num_bits must be 2 to 8, not ${text(bits)}.`, location);
  if (type !== 'int' && type !== 'float')
    throw configurationError(`The type of ${what} must be int or float, not ${text(type)}.`, location);
  if (typeof symmetric !== 'boolean')
    throw configurationError(`symmetric must be true or false, not ${text(symmetric)}.`, location);
  return { bits, type, symmetric } as const;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1;
}

/** As the library infers it where it is absent. */
function strategyOf({ strategy, group_size: groupSize }: Fields): unknown {
  if (strategy !== undefined && strategy !== null) return strategy;
  if (groupSize === undefined || groupSize === null) return 'tensor';
  return groupSize === -1 ? 'channel' : 'group';
}
