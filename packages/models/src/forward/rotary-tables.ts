import type { Rope } from '@compress/core';
import type { Rotary } from '@compress/kernels';

/**
 * Cosines and sines of a rope for positions 0..length-1 by these of its frequencies: in f64, rounded to f32 once. The arrays are not the kernels': they outlive the batch
 * that is at work, and callers take back what kernels made for one.
 */
export function rotaryTable(rope: Rope, frequencies: Float64Array, length: number): Rotary {
  const pairs = rope.dimensions / 2;
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

/**
 * Remembers each rope's last table, which serves all lengths up to its own: the blocks of a model share their ropes, a run its length. A sequence that grows finds
 * its table doubled now and then. Where frequencies change with the length (LongRoPE), the table is made anew.
 */
export function rotaryTables(): (rope: Rope, length: number) => Rotary {
  const last = new Map<Rope, { readonly frequencies: Float64Array; readonly table: Rotary }>();
  return (rope, length) => {
    const frequencies = rope.frequencies(length);
    const known = last.get(rope);
    const fits = known?.frequencies === frequencies;
    if (fits && known.table.cos.rows >= length) return known.table;
    const table = rotaryTable(rope, frequencies, fits ? Math.max(length, 2 * known.table.cos.rows) : length);
    last.set(rope, { frequencies, table });
    return table;
  };
}
