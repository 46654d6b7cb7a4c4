import type { Kernels, Matrix } from '@compress/kernels';
import type { Link, SectionSpec, SectionWeights } from './model.ts';

/**
 * Moves a scale along a link, by which the section's function stays as it was: what feeds the link's site is divided by `scale`, the columns of
 * every Linear that reads it are multiplied. `scale` is `[features]` of the site, finite and > 0. Arithmetic is f64, and each result is
 * rounded to f32 once. New arrays take the places of those in `weights`; the old ones are not written to.
 *
 * Throws `RangeError` for a scale that is not positive and finite, or differs between channels that share a row.
 */
export function moveScale(
  link: Link,
  section: Pick<SectionSpec, 'sites'>,
  weights: SectionWeights,
  scale: ArrayLike<number>,
  kernels: Kernels,
): void {
  const bad = Array.from(scale).findIndex((value) => !(value > 0 && Number.isFinite(value)));
  if (bad >= 0) throw new RangeError(`the scale of channel ${bad} of ${link.site} is ${scale[bad]}`);
  if (link.kind === 'norm') divideNorm(link, weights, scale, kernels);
  else divideRows(link, weights, scale, kernels);
  const readers = link.kind === 'norm' ? [link.site, ...link.alsoScale] : [link.site];
  for (const { name } of section.sites.filter((site) => readers.includes(site.name)).flatMap((site) => site.linears)) {
    const linear = weights.linears.get(name)!;
    weights.linears.set(name, { ...linear, weight: multiplyColumns(linear.weight, scale, kernels) });
  }
}

function divideNorm(
  { gain, bias, unitOffset }: Link & { kind: 'norm' },
  { tensors }: SectionWeights,
  scale: ArrayLike<number>,
  kernels: Kernels,
): void {
  const offset = unitOffset ? 1 : 0;
  tensors.set(
    gain,
    mapValues(tensors.get(gain)!, (value, c) => (value + offset) / scale[c] - offset, kernels),
  );
  if (bias !== undefined)
    tensors.set(
      bias,
      mapValues(tensors.get(bias)!, (value, c) => value / scale[c], kernels),
    );
}

function divideRows(
  { from, rows, site }: Link & { kind: 'linear' },
  { linears }: SectionWeights,
  scale: ArrayLike<number>,
  kernels: Kernels,
): void {
  const { weight, bias } = linears.get(from)!;
  const divisors = new Float64Array(weight.rows);
  for (const [c, row] of rows.entries()) {
    if (divisors[row] !== 0 && divisors[row] !== scale[c])
      throw new RangeError(`channel ${c} of ${site} shares row ${row} of ${from} with another, and not its scale`);
    divisors[row] = scale[c];
  }
  const divided = (value: number, row: number) => (divisors[row] === 0 ? value : value / divisors[row]);
  const { columns } = weight;
  const data = mapValues(weight.data, (value, i) => divided(value, Math.floor(i / columns)), kernels);
  linears.set(from, { weight: { ...weight, data }, ...(bias && { bias: mapValues(bias, divided, kernels) }) });
}

/** A copy with column c multiplied by scale[c]. */
export function multiplyColumns(matrix: Matrix, scale: ArrayLike<number>, kernels: Kernels): Matrix {
  const { rows, columns, data } = matrix;
  const output = kernels.matrix(rows, columns);
  for (let start = 0; start < data.length; start += columns)
    for (let c = 0; c < columns; c++) output.data[start + c] = data[start + c] * scale[c];
  return output;
}

function mapValues(values: Float32Array, f: (value: number, index: number) => number, kernels: Kernels): Float32Array {
  const output = kernels.float32(values.length);
  for (let i = 0; i < values.length; i++) output[i] = f(values[i], i);
  return output;
}
