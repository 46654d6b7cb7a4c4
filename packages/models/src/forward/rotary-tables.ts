import type { Rotary } from '@compress/kernels';
import type { Rope } from '../config/rope.ts';

/**
 * Cosines and sines of a rope for positions 0..length-1: in f64, rounded to f32 once. The arrays are not the kernels': they outlive the batch
 * that is at work, and callers take back what kernels made for one.
 */
export function rotaryTable(rope: Rope, length: number): Rotary {
  const pairs = rope.dimensions / 2;
  const frequencies = rope.frequencies(length);
  const cos = { rows: length, columns: pairs, data: new Float32Array(length * pairs) };
  const sin = { rows: length, columns: pairs, data: new Float32Array(length * pairs) };
  for (let position = 0; position < length; position++)
    for (let i = 0; i < pairs; i++) {
      const angle = position * frequencies[i];
      cos.data[position * pairs + i] = Math.cos(angle) * rope.amplitude;
      sin.data[position * pairs + i] = Math.sin(angle) * rope.amplitude;
    }
  return { cos, sin, dimensions: rope.dimensions };
}

/** Remembers each rope's table of the length that was asked for last: the blocks of a model share their ropes, a run its length. */
export function rotaryTables(): (rope: Rope, length: number) => Rotary {
  const last = new Map<Rope, { readonly length: number; readonly table: Rotary }>();
  return (rope, length) => {
    const known = last.get(rope);
    if (known?.length === length) return known.table;
    const table = rotaryTable(rope, length);
    last.set(rope, { length, table });
    return table;
  };
}
