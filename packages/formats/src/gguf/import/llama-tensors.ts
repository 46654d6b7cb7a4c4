import { readFloat32, type TensorSource } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { checkHalfRange } from '../check-half-range.ts';
import type { DecoderShape } from '../decoder-shape.ts';
import { separateRow } from '../interleave.ts';
import type { GgufFile, GgufTensor } from '../open-gguf.ts';
import { blockTensor, MODEL_PARTS } from '../tensor-names.ts';
import { importFault } from './metadata-reader.ts';

interface Target {
  readonly name: string;
  readonly shape: readonly number[];
  /** Heads whose rows ggml stores with the halves of each interleaved. */
  readonly interleaved?: number;
}

/**
 * Every tensor under its Hugging Face name, F16, rows of q and k in Hugging Face's order; bytes are made when they are written. Throws
 * `CompressError` `gguf-import` for tensors that are missing, unknown or of another shape than the metadata says; making bytes throws
 * `not-representable` beyond F16.
 */
export function llamaTensors(gguf: GgufFile, shape: DecoderShape, kernels: Kernels): readonly TensorSource[] {
  const targets = targetsOf(shape, (name) => gguf.tensors.has(name));
  for (const name of gguf.tensors.keys()) {
    if (!targets.has(name)) throw importFault('No model of the family has a tensor of this name.', gguf.location, name);
  }
  return [...targets].map(([name, target]) => {
    const tensor = gguf.tensors.get(name);
    if (tensor === undefined) throw importFault('The tensor is missing.', gguf.location, name);
    if (tensor.shape.join() !== target.shape.join()) {
      const message = `Its shape is [${tensor.shape}], but the metadata asks for [${target.shape}].`;
      throw importFault(message, gguf.location, name);
    }
    return source(gguf, tensor, target, kernels);
  });
}

/** By their names in GGUF. Biases, and an output that is not the embedding, may be absent. */
function targetsOf(s: DecoderShape, has: (name: string) => boolean): ReadonlyMap<string, Target> {
  const embedding = [s.vocabulary, s.hidden];
  const named = (part: string) => `${MODEL_PARTS.get(part)}.weight`;
  const targets = new Map<string, Target>([
    ['token_embd.weight', { name: named('token_embd'), shape: embedding }],
    ['output_norm.weight', { name: named('output_norm'), shape: [s.hidden] }],
  ]);
  if (has('output.weight')) targets.set('output.weight', { name: named('output'), shape: embedding });
  const [queries, keys] = [s.heads * s.headDim, s.kvHeads * s.headDim];
  const linears: [string, number, number, number?][] = [
    ['attn_q', queries, s.hidden, s.heads],
    ['attn_k', keys, s.hidden, s.kvHeads],
    ['attn_v', keys, s.hidden],
    ['attn_output', s.hidden, queries],
    ['ffn_gate', s.intermediate, s.hidden],
    ['ffn_up', s.intermediate, s.hidden],
    ['ffn_down', s.hidden, s.intermediate],
  ];
  for (let layer = 0; layer < s.layers; layer++) {
    for (const norm of ['attn_norm', 'ffn_norm']) {
      const { gguf, hf } = blockTensor(layer, norm);
      targets.set(`${gguf}.weight`, { name: `${hf}.weight`, shape: [s.hidden] });
    }
    for (const [part, out, columns, heads] of linears) {
      const { gguf, hf } = blockTensor(layer, part);
      const interleaved = heads === undefined ? {} : { interleaved: heads };
      targets.set(`${gguf}.weight`, { name: `${hf}.weight`, shape: [out, columns], ...interleaved });
      // Hugging Face has biases in all of a layer's attention or in none, and so in its MLP.
      if (!has(part.startsWith('attn') ? 'blk.0.attn_q.bias' : 'blk.0.ffn_gate.bias')) continue;
      targets.set(`${gguf}.bias`, { name: `${hf}.bias`, shape: [out], ...interleaved });
    }
  }
  return targets;
}

function source(
  gguf: GgufFile,
  tensor: GgufTensor,
  { name, shape, interleaved }: Target,
  kernels: Kernels,
): TensorSource {
  const byteLength = 2 * shape.reduce((product, dimension) => product * dimension, 1);
  return {
    name,
    dtype: 'F16',
    shape,
    byteLength,
    async bytes() {
      const stored = await readFloat32(gguf, tensor.name, kernels);
      checkHalfRange(stored, gguf.location, tensor.name);
      const values = interleaved === undefined ? stored : separateHalves(stored, shape[0], interleaved, kernels);
      const output = kernels.uint8(byteLength);
      await kernels.encode({ values, type: 'f16', output });
      return output;
    },
  };
}

/** Rows of ggml's order in Hugging Face's. */
function separateHalves(stored: Float32Array, rows: number, heads: number, kernels: Kernels): Float32Array {
  const dim = rows / heads;
  const columns = stored.length / rows;
  const output = kernels.float32(stored.length);
  for (let row = 0; row < rows; row++) {
    output.set(stored.subarray(row * columns, (row + 1) * columns), separateRow(row, dim) * columns);
  }
  return output;
}
