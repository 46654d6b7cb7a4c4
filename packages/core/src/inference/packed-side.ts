import type { HeadGeometry } from '../model/model.ts';
import { agedCount } from './age-entries.ts';
import { createCacheUnit } from './cache-unit.ts';
import type { CacheInference, CacheSide } from './inference.ts';
import { unitBytes } from './unit-bytes.ts';

/** Keys or values of one sequence: sinks and the latest tokens in f32, all between them as bytes. */
export interface PackedSide {
  /** Bytes held. */
  readonly bytes: number;
  /** Rounds what is old by now, and takes the next token's `[columns]`, which are copied. */
  append(entry: Float32Array): void;
  /** Writes every token as the cache holds it, `[tokens, columns]`. */
  read(output: Float32Array): void;
}

/** An empty side; in floats throughout where `side` is undefined. */
export function createPackedSide(
  side: CacheSide | undefined,
  cache: CacheInference,
  { keyHeads, headDimension }: Pick<HeadGeometry, 'keyHeads' | 'headDimension'>,
): PackedSide {
  const columns = keyHeads * headDimension;
  const rounding = side && roundingOf(side, columns, headDimension);
  const sinks: Float32Array[] = [];
  const recent: Float32Array[] = [];
  const units: Uint8Array[] = [];
  let length = 0;

  function age(): void {
    if (!side || !rounding) return;
    const { unit, layout } = rounding;
    let held = sinks.length + units.length * unit.tokens;
    for (const aged = agedCount(side, cache, length); held < aged; held += unit.tokens) {
      const values = new Float32Array(unit.tokens * columns);
      for (const [row, entry] of recent.splice(0, unit.tokens).entries()) values.set(entry, row * columns);
      const bytes = new Uint8Array(layout.size);
      unit.encode(values, (group, index) => layout.write(group, index, bytes));
      units.push(bytes);
    }
  }

  return {
    get bytes() {
      const floats = (sinks.length + recent.length) * columns * Float32Array.BYTES_PER_ELEMENT;
      return floats + units.length * (rounding?.layout.size ?? 0);
    },
    append(entry) {
      age();
      (length < cache.sinks ? sinks : recent).push(entry.slice());
      length += 1;
    },
    read(output) {
      let at = 0;
      const place = (size: number) => {
        at += size;
        return output.subarray(at - size, at);
      };
      for (const entry of sinks) place(columns).set(entry);
      if (rounding) {
        const { unit, layout } = rounding;
        for (const bytes of units) {
          const values = place(unit.tokens * columns);
          for (let index = 0; index < unit.groups; index++) unit.decode(layout.read(index, bytes), index, values);
        }
      }
      for (const entry of recent) place(columns).set(entry);
    },
  };
}

function roundingOf(side: CacheSide, columns: number, headDimension: number) {
  const unit = createCacheUnit(side, { columns, headDimension });
  return { unit, layout: unitBytes(unit) };
}
