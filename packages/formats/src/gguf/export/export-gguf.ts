import type { Checkpoint, CodedCheckpoint, WrittenFile } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { ggmlType } from '../ggml-types.ts';
import { type Imatrix, imatrixKeys } from '../imatrix/imatrix.ts';
import { type GgufContent, type GgufTensorSource, ggufSize, writeGguf } from '../write-gguf.ts';
import type { PlacementLoss } from './codes-to-blocks.ts';
import { exportFault } from './export-fault.ts';
import { type ModelCard, modelKeys } from './model-keys.ts';
import { PRESETS } from './presets.ts';
import { readShape } from './read-shape.ts';
import { readTokenizer } from './read-tokenizer.ts';
import { targetTensors } from './target-tensors.ts';
import { type ExportedTensor, exportedTensor } from './tensor-sources.ts';
import { tokenizerKeys } from './tokenizer-keys.ts';

/** A model on its way to one GGUF file. */
export interface ExportRequest {
  /** The model's folder: its tokenizer is read from there. */
  readonly folder: string;
  /** Its parsed `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Its floats, and its codes where it has some. */
  readonly checkpoint: CodedCheckpoint;
  readonly kernels: Kernels;
  /** The file. */
  readonly output: string;
  /**
   * A mixture of types by llama.cpp's name in lower case, one of {@link ggufPresets}, in which all weights are encoded. Absent: as it is; codes are
   * placed unchanged in blocks that hold them, and floats keep their dtype.
   */
  readonly type?: string;
  readonly card: ModelCard;
  /**
   * By what the frequencies of the rotary embedding are divided, `[head / 2]`: needed where `config` scales it, and then only Llama's
   * architecture holds it.
   */
  readonly ropeDivisors?: Float32Array;
  /** How much errors in the columns of each matrix cost. */
  readonly imatrix?: Imatrix;
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
    /** It will have the codes of the checkpoint, unchanged. */
    readonly placed: boolean;
  }[];
  /** Of the whole file. */
  readonly bytes: number;
  /** Bits of all tensors over numbers in them. */
  readonly bitsPerWeight: number;
}

/** What an export wrote. */
export interface ExportResult extends WrittenFile {
  /** Minima of placed codes are rounded to f16: the largest difference that this made, in steps of the scale; 0 where none was rounded. */
  readonly minimumLoss: number;
}

/** The names that `type` can have. */
export const ggufPresets: readonly string[] = [...PRESETS.keys()];

/**
 * Plans the export of a Hugging Face folder to one GGUF file, and writes it when `write` is called, tensor by tensor. Throws `CompressError`
 * `gguf-export` for what GGUF, or llama.cpp, cannot hold: architectures, tokenizers, tensors, codes, a forward pass of its own (`inference.json`).
 */
export async function planGgufExport(request: ExportRequest): Promise<{
  readonly plan: ExportPlan;
  /** Makes the file. */
  write(): Promise<ExportResult>;
}> {
  const { checkpoint, config, folder, onProgress } = request;
  checkInference(checkpoint);
  const shape = readShape(config, `${folder}/config.json`);
  const tokenizer = tokenizerKeys(await readTokenizer(folder), config, shape.vocabulary);
  const loss: PlacementLoss = { minimum: 0 };
  const exported = targetTensors(checkpoint, shape).map((target) => exportedTensor(target, shape, request, loss));
  const extra = shape.ropeScaling === undefined ? [] : [{ ...ropeFactors(shape, request), placed: false }];
  const tensors = [...extra, ...exported];

  const parameters = countOf(tensors);
  const fileType = PRESETS.get(request.type ?? nameOf(tensors))!.fileType;
  const quantized = tensors.some(({ type }) => ggmlType(type).elements > 1);
  const metadata = new Map([
    ...modelKeys(shape, request.card, { parameters, fileType, quantized }),
    ...(request.imatrix === undefined ? [] : imatrixKeys(request.imatrix)),
    ...tokenizer,
  ]);
  let done = 0;
  const content: GgufContent = {
    metadata,
    tensors: tensors.map((tensor) => ({
      ...tensor,
      async *bytes() {
        const bytes = tensor.bytes();
        yield* bytes instanceof Promise ? [await bytes] : bytes;
        onProgress?.({ done: ++done, total: tensors.length });
      },
    })),
  };
  const bits = tensors.reduce((sum, { byteLength }) => sum + 8 * byteLength, 0);
  return {
    plan: {
      tensors: tensors.map(({ name, type, shape, byteLength, placed }) => ({
        name,
        type,
        shape,
        bytes: byteLength,
        placed,
      })),
      bytes: ggufSize(request.output, content),
      bitsPerWeight: bits / parameters,
    },
    write: async () => ({ ...(await writeGguf(request.output, content)), minimumLoss: loss.minimum }),
  };
}

/** The mixture that a file as it is comes nearest to: that of the type of most numbers. */
function nameOf(tensors: readonly ExportedTensor[]): string {
  const counts = new Map<string, number>();
  for (const tensor of tensors) counts.set(tensor.type, (counts.get(tensor.type) ?? 0) + countOf([tensor]));
  const [[most]] = [...counts].sort(([, a], [, b]) => b - a);
  return most.toLowerCase();
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
