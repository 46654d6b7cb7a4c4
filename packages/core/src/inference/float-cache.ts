import type { Kernels, Matrix } from '@compress/kernels';
import type { HeadGeometry } from '../model/model.ts';
import type { AttentionCache } from './attention-cache.ts';

/** An empty cache that holds keys and values in f32: outputs have the bits that they have where the whole sequence is run at once. */
export function createFloatCache(p: {
  readonly heads: HeadGeometry;
  /** Factor of the scores. */
  readonly scale: number;
  /** Keys a query sees, itself included; absent: all. */
  readonly window?: number;
  /** Its arrays must be the cache's own: not those of a pool that takes them back. */
  readonly kernels: Kernels;
}): AttentionCache {
  const { kernels, scale, window } = p;
  const { heads, keyHeads, headDimension } = p.heads;
  const columns = keyHeads * headDimension;
  let tokens = 0;
  let keys = kernels.matrix(0, columns);
  let values = kernels.matrix(0, columns);

  /** Doubled where it is full, so that a token costs its own copy on average and no more than two. */
  function withRoom(matrix: Matrix, rows: number): Matrix {
    if (rows <= matrix.rows) return matrix;
    const larger = kernels.matrix(Math.max(rows, 2 * matrix.rows), columns);
    larger.data.set(matrix.data.subarray(0, tokens * columns));
    return larger;
  }

  function append(nextKeys: Matrix, nextValues: Matrix): void {
    const end = tokens + nextKeys.rows;
    keys = withRoom(keys, end);
    values = withRoom(values, end);
    keys.data.set(nextKeys.data, tokens * columns);
    values.data.set(nextValues.data, tokens * columns);
    tokens = end;
  }

  const held = ({ data }: Matrix): Matrix => ({ rows: tokens, columns, data: data.subarray(0, tokens * columns) });

  return {
    get tokens() {
      return tokens;
    },
    get bytes() {
      return 2 * tokens * columns * Float32Array.BYTES_PER_ELEMENT;
    },
    append,
    async attend({ queries, ...next }) {
      append(next.keys, next.values);
      const output = kernels.matrix(queries.rows, queries.columns);
      await kernels.attention({
        queries,
        keys: held(keys),
        values: held(values),
        heads,
        keyHeads,
        length: queries.rows,
        offset: tokens - queries.rows,
        scale,
        ...(window !== undefined && { window }),
        output,
      });
      return output;
    },
  };
}
