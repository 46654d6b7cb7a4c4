import type { Kernels, Matrix } from '@compress/kernels';
import type { HeadGeometry } from '../model/model.ts';
import type { AttentionCache } from './attention-cache.ts';
import type { CacheInference } from './inference.ts';
import { createPackedSide } from './packed-side.ts';

/**
 * An empty cache that holds what is old in few bits. It gives each query the numbers that it has in the simulation (`ageEntries`): both hold the same
 * values, and sums differ in their order alone. `append` takes any number of tokens, and rounds as it takes; `attend` goes token by token, since
 * each query sees what was rounded by its time, and unpacks all for each.
 */
export function createPackedCache(p: {
  readonly cache: CacheInference;
  readonly heads: HeadGeometry;
  /** Factor of the scores. */
  readonly scale: number;
  /** Keys a query sees, itself included; absent: all. */
  readonly window?: number;
  /** What becomes of all keys, from position 0 on, between cache and attention, in place or in a new matrix: RoPE and R3, where keys are held before them. */
  readonly turn?: (keys: Matrix) => Promise<Matrix>;
  readonly kernels: Kernels;
}): AttentionCache {
  const { kernels, scale, window } = p;
  const { heads, keyHeads, headDimension } = p.heads;
  const columns = keyHeads * headDimension;
  const keys = createPackedSide(p.cache.keys, p.cache, p.heads);
  const values = createPackedSide(p.cache.values, p.cache, p.heads);
  let tokens = 0;

  function append(key: Float32Array, value: Float32Array): void {
    keys.append(key);
    values.append(value);
    tokens += 1;
  }

  async function attendOne(query: Matrix): Promise<Matrix> {
    const unpacked = (side: typeof keys): Matrix => {
      const data = new Float32Array(tokens * columns);
      side.read(data);
      return { rows: tokens, columns, data };
    };
    const held = unpacked(keys);
    const output = kernels.matrix(1, query.columns);
    await kernels.attention({
      queries: query,
      keys: p.turn ? await p.turn(held) : held,
      values: unpacked(values),
      heads,
      keyHeads,
      length: 1,
      offset: tokens - 1,
      scale,
      ...(window !== undefined && { window }),
      output,
    });
    return output;
  }

  return {
    get tokens() {
      return tokens;
    },
    get bytes() {
      return keys.bytes + values.bytes;
    },
    append(nextKeys, nextValues) {
      for (let row = 0; row < nextKeys.rows; row++) append(rowOf(nextKeys, row).data, rowOf(nextValues, row).data);
    },
    async attend({ queries, ...next }) {
      const output = kernels.matrix(queries.rows, queries.columns);
      for (let row = 0; row < queries.rows; row++) {
        append(rowOf(next.keys, row).data, rowOf(next.values, row).data);
        const { data } = await attendOne(rowOf(queries, row));
        output.data.set(data, row * queries.columns);
      }
      return output;
    },
  };
}

function rowOf({ columns, data }: Matrix, row: number): Matrix {
  return { rows: 1, columns, data: data.subarray(row * columns, (row + 1) * columns) };
}
