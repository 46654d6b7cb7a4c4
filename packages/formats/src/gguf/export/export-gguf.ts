import type { Checkpoint, WrittenFile } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { ggmlType } from '../ggml-types.ts';
import { type GgufContent, type GgufTensorSource, ggmlBytes, ggufSize, writeGguf } from '../write-gguf.ts';
import { encodeRows } from './encode-rows.ts';
import { exportFault } from './export-fault.ts';
import { type ModelCard, modelKeys } from './model-keys.ts';
import { matrixType, PRESETS } from './presets.ts';
import { readShape } from './read-shape.ts';
import { readTokenizer } from './read-tokenizer.ts';
import { type TargetTensor, targetTensors } from './target-tensors.ts';
import { tokenizerKeys } from './tokenizer-keys.ts';

/** A model on its way to one GGUF file. */
export interface ExportRequest {
  /** The model's folder: its tokenizer is read from there. */
  readonly folder: string;
  /** Its parsed `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Its floats, decoded where they lie in codes. */
  readonly checkpoint: Checkpoint;
  readonly kernels: Kernels;
  /** The file. */
  readonly output: string;
  /** A mixture of types by llama.cpp's name in lower case, one of {@link ggufPresets}. */
  readonly type: string;
  readonly card: ModelCard;
  /**
   * By what the frequencies of the rotary embedding are divided, `[head / 2]`: needed where `config` scales it, and then only Llama's
   * architecture holds it.
   */
  readonly ropeDivisors?: Float32Array;
  /** Mean squares of what meets the columns of a matrix, by its name in GGUF: an importance matrix. */
  readonly importance?: ReadonlyMap<string, Float32Array>;
  /** Called after each tensor. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What an export will write, from headers alone. */
export interface ExportPlan {
  readonly tensors: readonly {
    readonly name: string;
    readonly type: string;
    readonly shape: readonly number[];
    readonly bytes: number;
  }[];
  /** Of the whole file. */
  readonly bytes: number;
  /** Bits of all tensors over numbers in them. */
  readonly bitsPerWeight: number;
}

/** The names that `type` can have. */
export const ggufPresets: readonly string[] = [...PRESETS.keys()];

/**
 * Plans the export of a Hugging Face folder to one GGUF file, and writes it when `write` is called, tensor by tensor. Throws `CompressError`
 * `gguf-export` for what GGUF, or llama.cpp, cannot hold: architectures, tokenizers, tensors, a forward pass of its own (`inference.json`).
 */
export async function planGgufExport(
  request: ExportRequest,
): Promise<{ readonly plan: ExportPlan; write(): Promise<WrittenFile> }> {
  const content = await contentOf(request);
  const tensors = content.tensors.map(({ name, type, shape, byteLength }) => ({
    name,
    type,
    shape,
    bytes: byteLength,
  }));
  const bits = tensors.reduce((sum, { bytes }) => sum + 8 * bytes, 0);
  const plan = { tensors, bytes: ggufSize(request.output, content), bitsPerWeight: bits / countOf(content.tensors) };
  return { plan, write: () => writeGguf(request.output, content) };
}

async function contentOf(request: ExportRequest): Promise<GgufContent> {
  const { checkpoint, config, folder, type } = request;
  const preset = PRESETS.get(type);
  if (preset === undefined) throw new RangeError(`There is no mixture ${type}.`);
  checkInference(checkpoint);
  const shape = readShape(config, `${folder}/config.json`);
  const tokenizer = tokenizerKeys(await readTokenizer(folder), config, shape.vocabulary);
  const targets = targetTensors(checkpoint, shape);

  const typeOf = ({ part, layer, name, source }: TargetTensor): string => {
    // What is no matrix, and norms, are small and feel every error.
    if (source.shape.length < 2 || part.endsWith('_norm')) return 'F32';
    return matrixType(type, part, layer, shape, source.shape[1], request.importance?.has(name) ?? false);
  };
  const total = targets.length;
  let done = 0;
  const tensors = targets.map((target): GgufTensorSource => {
    const chosen = typeOf(target);
    return {
      name: target.name,
      type: chosen,
      shape: target.source.shape,
      byteLength: ggmlBytes(ggmlType(chosen), target.source.shape),
      async *bytes() {
        yield* encodeRows(checkpoint, target, chosen, request.kernels, request.importance?.get(target.name));
        request.onProgress?.({ done: ++done, total });
      },
    };
  });
  if (shape.ropeScaling !== undefined) tensors.unshift(ropeFactors(shape, request));
  const quantized = tensors.some((tensor) => ggmlType(tensor.type).elements > 1);
  const card = { parameters: countOf(tensors), fileType: preset.fileType, quantized };
  return { metadata: new Map([...modelKeys(shape, request.card, card), ...tokenizer]), tensors };
}

/** Activations that are rotated or rounded are part of the model, and no reader of GGUF does either. */
function checkInference({ inference, location }: Checkpoint): void {
  if (inference === undefined) return;
  if (Object.keys(inference.sites).length === 0 && Object.keys(inference.attention).length === 0) return;
  const what = 'Its forward pass rotates or rounds activations or its cache (inference.json)';
  throw exportFault(`${what}, which GGUF cannot say: export a model of a pipeline without these steps.`, location);
}

function ropeFactors(
  { architecture, ropeScaling, headDim }: ReturnType<typeof readShape>,
  { ropeDivisors, folder }: ExportRequest,
): GgufTensorSource {
  if (architecture !== 'llama' || ropeDivisors === undefined) {
    throw exportFault(`Its rotary embedding is scaled (${ropeScaling}), which is not exported.`, folder);
  }
  if (ropeDivisors.length !== headDim / 2)
    throw new RangeError('ropeDivisors must have one for two columns of a head.');
  const bytes = new Uint8Array(ropeDivisors.buffer, ropeDivisors.byteOffset, ropeDivisors.byteLength);
  return {
    name: 'rope_freqs.weight',
    type: 'F32',
    shape: [headDim / 2],
    byteLength: bytes.length,
    bytes: async () => bytes,
  };
}

function countOf(tensors: readonly { readonly shape: readonly number[] }[]): number {
  return tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
}
