import type { Matrix } from '@compress/kernels';

/** Columns by falling diagonal of `gram`; equal ones by index, so that the order is the same everywhere. */
export function byFallingDiagonal({ columns: n, data }: Matrix): Uint32Array {
  const strength = (c: number) => data[c * n + c];
  return Uint32Array.from({ length: n }, (_, c) => c).sort((a, b) => strength(b) - strength(a) || a - b);
}

/** Column c of the result is column order[c] of the `[rows, columns]` source. */
export function gatherColumns<Values extends Float32Array | Uint32Array | Uint8Array>(
  source: Values,
  order: Uint32Array,
  target: Values,
): Values {
  const n = order.length;
  for (let start = 0; start < source.length; start += n)
    for (let c = 0; c < n; c++) target[start + c] = source[start + order[c]];
  return target;
}

/** Undoes {@link gatherColumns}: column c of the source becomes column order[c] of the result. */
export function scatterColumns<Values extends Float32Array | Uint32Array | Uint8Array>(
  source: Values,
  order: Uint32Array,
  target: Values,
): Values {
  const n = order.length;
  for (let start = 0; start < source.length; start += n)
    for (let c = 0; c < n; c++) target[start + order[c]] = source[start + c];
  return target;
}
