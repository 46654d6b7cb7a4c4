import type { Kernels, Matrix } from '@compress/kernels';
import type { Checkpoint, TensorSource } from '../checkpoint/checkpoint.ts';
import type { FloatDtype } from '../checkpoint/dtype.ts';
import { encodeFloats } from '../checkpoint/encode-floats.ts';
import { CompressError } from '../errors.ts';
import type { Format, Treatment } from '../format/format.ts';
import type { Grid, QuantizedWeight } from '../grid/grid.ts';
import type { LinearSpec } from '../model/model.ts';
import type { WeightConfiguration } from '../plan/weight-configuration.ts';
import { loadLinear, loadTensor, turn } from './load-section.ts';
import { type MemoryTensor, memoryCheckpoint, overlayCheckpoint } from './overlay-checkpoint.ts';

/**
 * The tensors that a section puts in the place of others, as they will be on disk. Whatever is put is read back at once through the
 * format's own reader, so that the walk computes with the values that readers of the output will get.
 */
export interface SectionOutput {
  readonly replaced: ReadonlySet<string>;
  readonly tensors: ReadonlyMap<string, MemoryTensor>;
  /** Of Linears that were put as codes, by name. */
  readonly grids: ReadonlyMap<string, Grid>;
  /** A Linear as codes, and the values of these codes. Returns the weight that readers get. */
  putQuantized(
    spec: LinearSpec,
    p: { readonly quantized: QuantizedWeight; readonly treatment: Treatment; readonly values: Matrix },
  ): Promise<Matrix>;
  /** A Linear's weight `[out, in]` as floats of the checkpoint's dtype; not put where its bytes stay as they were. Returns the weight that readers get. */
  putWeight(spec: LinearSpec, weight: Matrix): Promise<Matrix>;
  /** Any other tensor, likewise. */
  putTensor(name: string, values: Float32Array): Promise<Float32Array>;
  /** A tensor that the input does not have. */
  putBeside(tensor: TensorSource): Promise<void>;
}

/** A decoded weight may differ from its codes' values by what one rounding to bf16 costs, or to f16's smallest steps. */
const RELATIVE_ROUNDING = 2 ** -8;
const ABSOLUTE_ROUNDING = 2 ** -24;

export function createSectionOutput(p: {
  checkpoint: Checkpoint;
  format: Format;
  configuration: Pick<WeightConfiguration, 'ofSome'>;
  location: string;
  kernels: Kernels;
}): SectionOutput {
  const { checkpoint, kernels } = p;
  const replaced = new Set<string>();
  const tensors = new Map<string, MemoryTensor>();
  const grids = new Map<string, Grid>();

  function put(name: string, written: readonly MemoryTensor[]): Checkpoint {
    replaced.add(name);
    for (const tensor of written) tensors.set(tensor.name, tensor);
    return overlayCheckpoint(checkpoint, {
      replaced: new Set([name]),
      tensors: memoryCheckpoint(written, p.location),
    });
  }

  async function encode(name: string, values: Float32Array, shape: readonly number[]): Promise<MemoryTensor> {
    const { dtype, byteLength } = checkpoint.tensors.get(name)!;
    // A copy: the walk goes on with the values.
    const data = (await encodeFloats(values, dtype as FloatDtype, name, kernels)).slice();
    return { name, dtype, shape, byteLength, data };
  }

  /** The checkpoint with these values in their stored dtype, or undefined if not a byte of it changes. */
  async function putFloats(
    name: string,
    values: Float32Array,
    shape = checkpoint.tensors.get(name)!.shape,
  ): Promise<Checkpoint | undefined> {
    const tensor = await encode(name, values, shape);
    const turned = String(shape) !== String(checkpoint.tensors.get(name)!.shape);
    const unchanged = !turned && Buffer.compare(tensor.data, await checkpoint.read(name)) === 0;
    return unchanged ? undefined : put(name, [tensor]);
  }

  return {
    replaced,
    tensors,
    grids,
    async putQuantized(spec, { quantized, treatment, values }) {
      const dtype = checkpoint.tensors.get(spec.weight)!.dtype as FloatDtype;
      const written: MemoryTensor[] = [];
      for (const source of p.format.write({ spec, quantized, treatment }, dtype, kernels))
        written.push(await inMemory(source));
      const overlay = put(spec.weight, written);
      grids.set(spec.name, quantized.grid);
      const configuration = p.configuration.ofSome(new Map([[spec.name, quantized.grid]]));
      const readable = configuration ? await p.format.open(overlay, configuration) : overlay;
      const { weight } = await loadLinear(readable, spec, kernels);
      checkDecoded(spec, values, weight, p.format);
      return weight;
    },
    async putWeight(spec, weight) {
      // Of a Conv1D in codes the checkpoint shows [out, in].
      const stored = spec.transposed ? turn(weight, kernels) : weight;
      const changed = await putFloats(spec.weight, stored.data, [stored.rows, stored.columns]);
      return changed ? (await loadLinear(changed, spec, kernels)).weight : weight;
    },
    async putTensor(name, values) {
      const changed = await putFloats(name, values);
      return changed ? loadTensor(changed, name, kernels) : values;
    },
    async putBeside(tensor) {
      tensors.set(tensor.name, await inMemory(tensor));
    },
  };
}

async function inMemory(source: TensorSource): Promise<MemoryTensor> {
  const { bytes: _, ...info } = source;
  return { ...info, data: await gather(source.bytes(), info.byteLength) };
}

async function gather(source: Promise<Uint8Array> | AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  if (source instanceof Promise) return source;
  const all = new Uint8Array(length);
  let end = 0;
  for await (const piece of source) {
    all.set(piece, end);
    end += piece.byteLength;
  }
  return all;
}

/** A format that does not read back what it wrote must never reach a disk. */
function checkDecoded({ name }: LinearSpec, { data }: Matrix, decoded: Matrix, format: Format): void {
  for (let i = 0; i < data.length; i++) {
    if (Math.abs(decoded.data[i] - data[i]) <= Math.abs(data[i]) * RELATIVE_ROUNDING + ABSOLUTE_ROUNDING) continue;
    throw new CompressError(
      'format-mismatch',
      `Element ${i} is ${data[i]} by its code but reads back as ${decoded.data[i]} through the format ${format.name}; this is a defect of the format, please report it.`,
      { layer: name },
    );
  }
}
