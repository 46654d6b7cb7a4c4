import type { Kernels, Matrix } from '@compress/kernels';
import type { Checkpoint, Range, TensorInfo } from '../checkpoint/checkpoint.ts';
import { readFloat32 } from '../checkpoint/read-float32.ts';
import { CompressError } from '../errors.ts';
import { readSectionInference } from '../inference/section-inference.ts';
import type { LinearSpec, SectionSpec, SectionWeights } from '../model/model.ts';
import { firstNotFinite } from './first-not-finite.ts';

/** One tensor as f32, in the order in which it lies on disk. Throws as `readFloat32`, and `tensor-not-finite` on a NaN or an infinity. */
export async function loadTensor(checkpoint: Checkpoint, name: string, kernels: Kernels): Promise<Float32Array> {
  tensorInfo(checkpoint, name);
  const values = await readFloat32(checkpoint, name, kernels);
  checkFinite(values, checkpoint.location, name);
  return values;
}

/** A section's weights as f32, by range from the checkpoint; Conv1D weights are turned to `[out, in]`. Throws as {@link loadTensor}, and `tensor-shape`, `inference-differs`. */
export async function loadSection(
  checkpoint: Checkpoint,
  section: SectionSpec,
  kernels: Kernels,
): Promise<SectionWeights> {
  const weights: SectionWeights = {
    linears: new Map(),
    tensors: new Map(),
    inference: await readSectionInference(checkpoint, section),
  };
  const ofLinears = new Set<string>();
  for (const linear of section.sites.flatMap((site) => site.linears)) {
    weights.linears.set(linear.name, await loadLinear(checkpoint, linear, kernels));
    ofLinears.add(linear.weight);
    if (linear.bias !== undefined) ofLinears.add(linear.bias);
  }
  for (const name of section.tensors)
    if (!ofLinears.has(name)) weights.tensors.set(name, await loadTensor(checkpoint, name, kernels));
  return weights;
}

/** One Linear's weight as `[out, in]` and its bias. */
export async function loadLinear(
  checkpoint: Checkpoint,
  linear: LinearSpec,
  kernels: Kernels,
): Promise<{ weight: Matrix; bias?: Float32Array }> {
  const { outFeatures, inFeatures } = linear;
  const info = tensorInfo(checkpoint, linear.weight);
  const turned = linear.transposed && info.decoded !== true;
  checkShape(checkpoint, info, turned ? [inFeatures, outFeatures] : [outFeatures, inFeatures]);
  const data = await loadTensor(checkpoint, linear.weight, kernels);
  const weight = turned
    ? turn({ rows: inFeatures, columns: outFeatures, data }, kernels)
    : { rows: outFeatures, columns: inFeatures, data };
  if (linear.bias === undefined) return { weight };
  checkShape(checkpoint, tensorInfo(checkpoint, linear.bias), [outFeatures]);
  return { weight, bias: await loadTensor(checkpoint, linear.bias, kernels) };
}

/**
 * Some rows of an `[rows, columns]` tensor as f32, read and decoded without the others. Throws as {@link loadTensor}, and `tensor-shape` where the
 * tensor is not of this shape.
 */
export async function loadRows(
  checkpoint: Checkpoint,
  name: string,
  { shape, rows }: { readonly shape: readonly [rows: number, columns: number]; readonly rows: Range },
  kernels: Kernels,
): Promise<Matrix> {
  const [, columns] = shape;
  checkShape(checkpoint, tensorInfo(checkpoint, name), shape);
  const elements = { start: rows.start * columns, end: rows.end * columns };
  const data = await readFloat32(checkpoint, name, kernels, elements);
  checkFinite(data, checkpoint.location, name, elements.start);
  return { rows: rows.end - rows.start, columns, data };
}

/** The transpose, in blocks that fit the cache. */
export function turn(matrix: Matrix, kernels: Kernels): Matrix {
  const { rows, columns, data } = matrix;
  const turned = kernels.matrix(columns, rows);
  const block = 32;
  for (let r0 = 0; r0 < rows; r0 += block)
    for (let c0 = 0; c0 < columns; c0 += block)
      for (let r = r0; r < Math.min(r0 + block, rows); r++)
        for (let c = c0; c < Math.min(c0 + block, columns); c++) turned.data[c * rows + r] = data[r * columns + c];
  return turned;
}

function tensorInfo(checkpoint: Checkpoint, name: string): TensorInfo {
  const info = checkpoint.tensors.get(name);
  if (info) return info;
  throw new CompressError(
    'tensor-missing',
    'The architecture needs this tensor and the checkpoint does not have it; check that the download is complete.',
    { file: checkpoint.location, tensor: name },
  );
}

/** Throws `CompressError` `tensor-shape` where a tensor's shape is not the one that the model asks for. */
export function checkShape(checkpoint: Checkpoint, info: TensorInfo, shape: readonly number[]): void {
  if (info.shape.length === shape.length && info.shape.every((size, i) => size === shape[i])) return;
  throw new CompressError(
    'tensor-shape',
    `The shape is [${info.shape.join(', ')}] but config.json asks for [${shape.join(', ')}].`,
    { file: checkpoint.location, tensor: info.name },
  );
}

/** `first`: the element of the tensor that `values` begin with. */
function checkFinite(values: Float32Array, file: string, tensor: string, first = 0): void {
  const at = firstNotFinite(values);
  if (at >= 0)
    throw new CompressError(
      'tensor-not-finite',
      `Element ${first + at} is ${values[at]}: a damaged checkpoint cannot be used, so fetch it again.`,
      { file, tensor },
    );
}
