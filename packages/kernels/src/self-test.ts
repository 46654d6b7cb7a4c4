import type { Matrix } from './matrix.ts';
import type { Operation } from './operations/operation.ts';
import { type OperationName, type OperationParams, operations } from './operations/registry.ts';
import { runWhole } from './pool/run-parts.ts';
import type { Instance } from './wasm/instance.ts';

/** Whether two builds compute the same bits in small cases of the operations with the most vector code. */
export function sameBits(a: Instance, b: Instance): boolean {
  return cases().every(({ name, params }) => {
    const [first, second] = [a, b].map((instance) => {
      const copy = structuredClone(params);
      return written(instance, name, copy);
    });
    return first.every((bytes, i) => bytes.every((byte, j) => byte === second[i][j]));
  });
}

/** The time of a product of 240 x 240 x 512, the best of a few. */
export function secondsOfProduct(instance: Instance): number {
  const params = { input: ramp(240, 512), weight: ramp(240, 512), output: ramp(240, 240) };
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    written(instance, 'linear', params);
    return performance.now() - start;
  });
  return Math.min(...times) / 1000;
}

interface Case<N extends OperationName = OperationName> {
  readonly name: N;
  readonly params: OperationParams<N>;
}

const make = <N extends OperationName>(name: N, params: OperationParams<N>): Case => ({ name, params }) as Case;

/** Sizes are odd, so that partial tiles and remainders are met. */
function cases(): Case[] {
  const scales = { groups: 2, scales: ramp(45, 2).data.map((x) => 0.2 + x * x), zeros: new Float32Array(90).fill(7) };
  const group = Uint32Array.from({ length: 67 }, (_, c) => c % 2);
  const common = {
    weight: ramp(45, 67),
    grid: { kind: 'integer', maxCode: 15 },
    scales: { ...scales, group },
  } as const;
  const tokens = ramp(137, 68);
  const factor = ramp(67, 67);
  for (let i = 0; i < 67; i++) factor.data[i * 68] = 1 + (i % 3);
  return [
    make('linear', { input: ramp(83, 301), weight: ramp(71, 301), bias: ramp(1, 71).data, output: ramp(83, 71) }),
    make('gram', { input: ramp(61, 59), output: ramp(59, 59) }),
    make('sweep', {
      ...common,
      factor,
      from: 0,
      to: 67,
      blockSize: 32,
      codes: new Uint8Array(45 * 67),
      loss: new Float64Array(45),
    }),
    make('invertColumns', { matrix: factor }),
    make('attention', {
      queries: tokens,
      keys: tokens,
      values: tokens,
      heads: 4,
      keyHeads: 4,
      length: 137,
      scale: 1,
      output: ramp(137, 68),
    }),
    make('activate', { gate: ramp(9, 41), activation: 'silu', output: ramp(9, 41) }),
    make('activate', { gate: ramp(9, 41), activation: 'gelu', output: ramp(9, 41) }),
    make('layerNorm', { input: ramp(9, 41), gain: ramp(1, 41).data, epsilon: 1e-5, output: ramp(9, 41) }),
    make('rotate', {
      values: ramp(9, 44),
      heads: 2,
      length: 9,
      rotary: { cos: ramp(9, 11), sin: ramp(9, 11), dimensions: 22 },
    }),
    make('hadamard', { input: ramp(9, 96), size: 96, factor: ramp(12, 12), output: ramp(9, 96) }),
    make('fitScales', { ...common, fit: { grid: common.grid, symmetric: false, steps: 2, scaleType: 'f16' } }),
    make('dequantize', { ...common, codes: new Uint8Array(45 * 67).map((_, i) => i % 16), output: ramp(45, 67) }),
    make('encode', { values: ramp(9, 41).data, type: 'f16', output: new Uint8Array(2 * 9 * 41) }),
  ];
}

/** Runs an operation on one instance and returns the bytes of what it wrote. */
function written<N extends OperationName>(instance: Instance, name: N, params: OperationParams<N>): Uint8Array[] {
  const operation = operations[name] as Operation<OperationParams<N>>;
  runWhole(instance, operation, params);
  return operation
    .writes(params)
    .filter((array) => array !== undefined)
    .map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
}

/** Values of -1..1 with full mantissas. */
function ramp(rows: number, columns: number): Matrix {
  return { rows, columns, data: Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * 1.7 + rows)) };
}
