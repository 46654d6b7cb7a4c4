import {
  type CacheExtremes,
  type CacheInference,
  type CacheSide,
  CompressError,
  createCacheCodec,
  type HeadGeometry,
} from '@compress/core';
import type { KvCacheOptions, SideOptions } from './options.ts';

/**
 * How the cache of one block is kept. `extremes` are needed for calibrated scales alone. Throws `CompressError` `cache-uncalibrated` without them,
 * `group-size` where groups of channels do not fill a head, `activations-not-finite`.
 */
export function cacheInference(
  { keys, values, residual, sinks, beforeRope }: KvCacheOptions,
  heads: Pick<HeadGeometry, 'headDimension'>,
  extremes?: CacheExtremes,
): CacheInference {
  return {
    keys: sideOf(keys, heads, extremes?.keys),
    values: sideOf(values, heads, extremes?.values),
    keysBeforeRotary: beforeRope,
    window: residual,
    sinks,
  };
}

function sideOf(
  { grid, per, groupSize, scales, outliers }: SideOptions,
  { headDimension }: Pick<HeadGeometry, 'headDimension'>,
  absmax: Float32Array | undefined,
): CacheSide {
  const size = groupSize === 'head' ? headDimension : groupSize;
  if (per === 'token' && headDimension % size !== 0)
    throw new CompressError('group-size', groupSizeMessage(size, headDimension));
  const side: CacheSide = { grid, axis: per, groupSize: size, ...(outliers > 0 && { outliers }) };
  if (scales !== 'head' && scales !== 'tensor') return side;
  if (!absmax)
    throw new CompressError(
      'cache-uncalibrated',
      'Calibrated scales of the cache come from a recipe that has a calibration; run one, or let each group have its own ("scales: range").',
    );
  const all = Float32Array.of(absmax.reduce((most, value) => Math.max(most, value), 0));
  return { ...side, scales: Array.from(scales === 'head' ? absmax : all, (most) => staticScale(grid, most)) };
}

/** What is wrong with groups of channels that do not fill a head. */
export function groupSizeMessage(size: number, headDimension: number): string {
  return `Groups of ${size} channels do not fill heads of ${headDimension}; choose a divisor, or "groupSize: head".`;
}

/** As vLLM and compressed-tensors have them: absmax / 448 for FP8, absmax over half the range of integers. Never 0: a head that is always 0 has scale 1. */
function staticScale(grid: CacheSide['grid'], absmax: number): number {
  if (!Number.isFinite(absmax))
    throw new CompressError(
      'activations-not-finite',
      'Calibration made keys or values that are no finite numbers; check the checkpoint.',
    );
  return absmax === 0 ? 1 : Math.max(Math.fround(absmax / reachOf(grid)), 2 ** -126);
}

function reachOf(grid: CacheSide['grid']): number {
  if (grid.kind === 'int') return (2 ** grid.bits - 1) / 2;
  return grid.kind === 'fp8' ? 448 : Math.max(...grid.levels.map(Math.abs));
}

/** Bits that an element of an aged entry takes: its code, and its part of what its group stores. */
export function bitsPerElement(side: CacheSide): number {
  const { bits, stores, outliers } = createCacheCodec(side, side.groupSize);
  return bits + (16 * (Number(stores.scale) + Number(stores.minimum)) + 32 * outliers) / side.groupSize;
}
