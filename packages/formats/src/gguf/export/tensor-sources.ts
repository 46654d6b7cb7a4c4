import { CompressError } from '@compress/core';
import { ggmlType } from '../ggml-types.ts';
import { type GgufTensorSource, ggmlBytes } from '../write-gguf.ts';
import { codesToBlocks, codesType, type PlacementLoss } from './codes-to-blocks.ts';
import { encodeRows } from './encode-rows.ts';
import { exportFault } from './export-fault.ts';
import type { ExportRequest } from './export-gguf.ts';
import { matrixType } from './presets.ts';
import type { ExportShape } from './read-shape.ts';
import type { TargetTensor } from './target-tensors.ts';

/** A tensor that is being exported. */
export interface ExportedTensor extends GgufTensorSource {
  /** It has the codes of the checkpoint, unchanged. */
  readonly placed: boolean;
}

/**
 * The tensor that `target` becomes: codes placed where no mixture is asked for, else floats encoded. Throws `CompressError` `gguf-export` for codes that no
 * block holds.
 */
export function exportedTensor(
  target: TargetTensor,
  shape: ExportShape,
  request: ExportRequest,
  loss: PlacementLoss,
): ExportedTensor {
  const { checkpoint, kernels } = request;
  const { source, headRows } = target;
  const coded = request.type === undefined ? checkpoint.coded.get(source.name) : undefined;
  const type = coded === undefined ? floatType(target, shape, request) : heldBy(target, request);
  const importance = request.imatrix?.entries.get(target.name);
  return {
    name: target.name,
    type,
    shape: source.shape,
    byteLength: ggmlBytes(ggmlType(type), source.shape),
    placed: coded !== undefined,
    async *bytes() {
      if (coded === undefined) yield* encodeRows(checkpoint, target, type, kernels, importance);
      else yield await place(async () => codesToBlocks(await coded.read(), type, headRows, loss), target, request);
    },
  };
}

function floatType({ part, layer, name, source }: TargetTensor, shape: ExportShape, request: ExportRequest): string {
  // What is no matrix, and norms, are small and feel every error.
  if (source.shape.length < 2 || part.endsWith('_norm')) return 'F32';
  if (request.type === undefined) return ['F16', 'BF16'].includes(source.dtype) ? source.dtype : 'F32';
  return matrixType(request.type, part, layer, shape, source.shape[1], request.imatrix?.entries.has(name) ?? false);
}

function heldBy({ source }: TargetTensor, { checkpoint }: ExportRequest): string {
  const found = codesType(checkpoint.coded.get(source.name)!, source.shape[1]);
  if ('type' in found) return found.type;
  const message = `Its codes have no place in GGUF, because ${found.why}: give a type, so that the weights are encoded anew.`;
  throw exportFault(message, checkpoint.location, source.name);
}

/** Names the tensor in what is thrown. */
async function place(
  make: () => Promise<Uint8Array>,
  { source }: TargetTensor,
  { checkpoint }: ExportRequest,
): Promise<Uint8Array> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof CompressError) || error.place.tensor !== undefined) throw error;
    const where = { file: checkpoint.location, tensor: source.name };
    throw new CompressError(error.code, error.message, where, { cause: error });
  }
}
