import type { CacheSide, NamedGrids } from '@compress/core';
import { z } from 'zod';

/** How one side is kept, with all defaults filled in. */
export interface SideOptions {
  readonly grid: CacheSide['grid'];
  readonly per: 'channel' | 'token';
  /** Tokens or channels; `head`: all channels of a head. */
  readonly groupSize: number | 'head';
  readonly scales: 'range' | 'norm' | 'head' | 'tensor';
  readonly outliers: number;
}

/** The options of a recipe after parsing. */
export interface KvCacheOptions {
  readonly keys: SideOptions;
  readonly values: SideOptions;
  readonly residual: number;
  readonly sinks: number;
  readonly beforeRope: boolean;
}

const width = z.int().min(2).max(8);
const group = z.union([z.int().min(2).max(4096), z.literal('head')]);

/** What a recipe may say under `kv-cache`. `named` are grids that it may name beside integers and fp8; those without a fixed table are left out. */
export function kvCacheOptions(named: NamedGrids = {}): z.ZodType<KvCacheOptions> {
  const tables = tablesOf(named);
  const grid = z.enum(['fp8', ...Object.keys(tables)]);
  const side = z.strictObject({
    bits: width.optional().describe('Integers of that many bits between the minimum and the maximum of each group.'),
    grid: grid.optional().describe('In place of bits: fp8 (E4M3), or a codebook.'),
    per: z
      .enum(['channel', 'token'])
      .optional()
      .describe(
        'What shares a scale: one channel over groupSize tokens, or groupSize channels of one token. Keys: channel, values: token (KIVI).',
      ),
    groupSize: group.optional().describe('Of this side alone; "head": all channels of a head.'),
    scales: z
      .enum(['range', 'norm', 'head', 'tensor'])
      .default('range')
      .describe(
        "A scale from each group's range, or from its norm (codebooks only), or calibrated: one for each head, or one for the tensor.",
      ),
    outliers: z
      .number()
      .min(0)
      .max(0.5)
      .default(0)
      .describe('The share of each group, rounded up, that stands out most and stays in f16.'),
  });
  const choice = z.union([width, grid, side]);
  return z
    .strictObject({
      bits: width.default(4).describe('Of keys and values, where nothing else is said of them.'),
      k: width.nullable().default(null).describe('Bits of keys, short for keys: { bits }.'),
      v: width.nullable().default(null).describe('Bits of values, short for values: { bits }.'),
      keys: choice.prefault({}).describe('How keys are kept: options, or just a number of bits or a grid.'),
      values: choice.prefault({}).describe('How values are kept, likewise.'),
      groupSize: group.default(32).describe('Tokens or channels that share a scale.'),
      residual: z
        .int()
        .min(0)
        .max(65_536)
        .default(32)
        .describe('The latest tokens that stay in floats; where it is more than a group of tokens, a multiple of it.'),
      sinks: z.int().min(0).max(65_536).default(0).describe('The first tokens that stay in floats for good.'),
      beforeRope: z.boolean().default(false).describe('Keys are rounded before RoPE is applied to them (KVQuant).'),
    })
    .transform((options, context): KvCacheOptions => {
      const complain = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
      const resolve = (name: 'keys' | 'values', bits: number | null): SideOptions => {
        const said = options[name];
        const { outliers, scales, per, ...own } = side.parse(
          typeof said === 'number' ? { bits: said } : typeof said === 'string' ? { grid: said } : said,
        );
        if (own.bits !== undefined && own.grid !== undefined)
          complain([name, 'grid'], 'cannot stand beside bits: give one of them.');
        const calibrated = scales === 'head' || scales === 'tensor';
        if (calibrated && per === 'channel') complain([name, 'per'], 'cannot be channel where scales are calibrated.');
        const chosen = gridOf(own.grid, own.bits ?? bits ?? options.bits, scales === 'norm', tables);
        if (scales === 'norm' && chosen.kind !== 'levels')
          complain([name, 'scales'], 'can be norm for codebooks only.');
        const axis = calibrated ? 'token' : (per ?? (name === 'keys' ? 'channel' : 'token'));
        const groupSize = calibrated ? 'head' : (own.groupSize ?? options.groupSize);
        if (axis === 'channel' && groupSize === 'head')
          complain([name, 'groupSize'], 'must be a number of tokens where channels share no scale.');
        if (axis === 'channel' && typeof groupSize === 'number' && unevenWindow(options.residual, groupSize))
          complain(['residual'], `must be a multiple of ${groupSize}, the tokens of a group of ${name}.`);
        return { grid: chosen, per: axis, groupSize, scales, outliers };
      };
      const { residual, sinks, beforeRope } = options;
      return { keys: resolve('keys', options.k), values: resolve('values', options.v), residual, sinks, beforeRope };
    });
}

function unevenWindow(window: number, groupSize: number): boolean {
  return window > groupSize && window % groupSize !== 0;
}

function gridOf(
  name: string | undefined,
  bits: number,
  norm: boolean,
  tables: Readonly<Record<string, readonly number[]>>,
): CacheSide['grid'] {
  if (name === undefined) return { kind: 'int', bits };
  if (name === 'fp8') return { kind: 'fp8' };
  return { kind: 'levels', levels: tables[name], scale: norm ? 'norm' : 'absmax' };
}

function tablesOf(named: NamedGrids): Record<string, readonly number[]> {
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, { codes, learn, nested, scaleType }]) =>
      codes.kind === 'table' && !learn && !nested && scaleType !== 'e8m0' ? [[name, [...codes.levels]]] : [],
    ),
  );
}
