import type { Checkpoint, TensorInfo } from '@compress/core';
import { BLOCK_PARTS, blockTensor, MODEL_PARTS } from '../tensor-names.ts';
import { exportFault } from './export-fault.ts';
import type { ExportShape } from './read-shape.ts';

/** A tensor of the file, and the one of the checkpoint that it is made of. */
export interface TargetTensor {
  readonly name: string;
  readonly source: TensorInfo;
  /** `attn_q`, `token_embd`, ... */
  readonly part: string;
  /** 0 for what is there once. */
  readonly layer: number;
  /** Rows of a head, where ggml has them in another order. */
  readonly headRows?: number;
}

/** Buffers that old writers left in checkpoints. */
const BUFFERS = /\.rotary_emb\.inv_freq$/;

/**
 * Every tensor of the file, in the order in which llama.cpp writes them. Throws `CompressError` `gguf-export` for tensors of the checkpoint that
 * have no name in GGUF, and for those that the model lacks.
 */
export function targetTensors(checkpoint: Checkpoint, shape: ExportShape): readonly TargetTensor[] {
  const { tensors, location } = checkpoint;
  const targets: TargetTensor[] = [];
  const used = new Set<string>();
  const put = (name: string, hf: string, part: string, layer: number): boolean => {
    const source = tensors.get(hf);
    if (source === undefined) return false;
    used.add(hf);
    const interleaved = shape.architecture === 'llama' && (part === 'attn_q' || part === 'attn_k');
    targets.push({ name, source, part, layer, ...(interleaved && { headRows: shape.headDim }) });
    return true;
  };
  const need = (name: string, hf: string, part: string, layer: number) => {
    if (!put(name, hf, part, layer)) throw exportFault('The tensor is missing.', location, hf);
  };

  for (const part of ['token_embd', 'output_norm', 'output']) {
    const hf = `${MODEL_PARTS.get(part)}.weight`;
    if (part !== 'output' || !shape.tied) need(`${part}.weight`, hf, part, 0);
    else used.add(hf);
  }
  for (let layer = 0; layer < shape.layers; layer++) {
    for (const part of BLOCK_PARTS.keys()) {
      const { gguf, hf } = blockTensor(layer, part);
      const optional = /^attn_[qk]_norm$/.test(part) && shape.architecture !== 'qwen3';
      if (!optional) need(`${gguf}.weight`, `${hf}.weight`, part, layer);
      put(`${gguf}.bias`, `${hf}.bias`, part, layer);
    }
  }
  for (const name of tensors.keys()) {
    if (!used.has(name) && !BUFFERS.test(name)) {
      throw exportFault(`No tensor of ${shape.architecture} in GGUF stands for it.`, location, name);
    }
  }
  return targets;
}
