import { CompressError, readFloat32, type TensorSource } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import type { GgufFile, GgufTensor } from '../open-gguf.ts';
import type { LlamaShape } from './llama-shape.ts';
import { importFault } from './metadata-reader.ts';

/** The largest magnitude that f16 rounds to a finite number. */
const F16_LIMIT = 65520;

interface Target {
  readonly name: string;
  readonly shape: readonly number[];
  /** Heads whose rows ggml stores with the halves of each interleaved (llama.cpp, `convert_hf_to_gguf.py`, `LlamaModel.permute`). */
  readonly interleaved?: number;
}

/**
 * Every tensor under its Hugging Face name, F16, rows of q and k in Hugging Face's order; bytes are made when they are written. Throws
 * `CompressError` `gguf-import` for tensors that are missing, unknown or of another shape than the metadata says; making bytes throws
 * `not-representable` beyond F16.
 */
export function llamaTensors(gguf: GgufFile, shape: LlamaShape, kernels: Kernels): readonly TensorSource[] {
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
function targetsOf(s: LlamaShape, has: (name: string) => boolean): ReadonlyMap<string, Target> {
  const embedding = [s.vocabulary, s.hidden];
  const targets = new Map<string, Target>([
    ['token_embd.weight', { name: 'model.embed_tokens.weight', shape: embedding }],
    ['output_norm.weight', { name: 'model.norm.weight', shape: [s.hidden] }],
  ]);
  if (has('output.weight')) targets.set('output.weight', { name: 'lm_head.weight', shape: embedding });
  const [queries, keys] = [s.heads * s.headDim, s.kvHeads * s.headDim];
  const linears: [string, string, number, number, number?][] = [
    ['attn_q', 'self_attn.q_proj', queries, s.hidden, s.heads],
    ['attn_k', 'self_attn.k_proj', keys, s.hidden, s.kvHeads],
    ['attn_v', 'self_attn.v_proj', keys, s.hidden],
    ['attn_output', 'self_attn.o_proj', s.hidden, queries],
    ['ffn_gate', 'mlp.gate_proj', s.intermediate, s.hidden],
    ['ffn_up', 'mlp.up_proj', s.intermediate, s.hidden],
    ['ffn_down', 'mlp.down_proj', s.hidden, s.intermediate],
  ];
  for (let layer = 0; layer < s.layers; layer++) {
    const [from, to] = [`blk.${layer}`, `model.layers.${layer}`];
    targets.set(`${from}.attn_norm.weight`, { name: `${to}.input_layernorm.weight`, shape: [s.hidden] });
    targets.set(`${from}.ffn_norm.weight`, { name: `${to}.post_attention_layernorm.weight`, shape: [s.hidden] });
    for (const [gguf, name, out, columns, heads] of linears) {
      const interleaved = heads === undefined ? {} : { interleaved: heads };
      targets.set(`${from}.${gguf}.weight`, { name: `${to}.${name}.weight`, shape: [out, columns], ...interleaved });
      // Hugging Face has biases in all of a layer's attention or in none, and so in its MLP.
      if (!has(gguf.startsWith('attn') ? 'blk.0.attn_q.bias' : 'blk.0.ffn_gate.bias')) continue;
      targets.set(`${from}.${gguf}.bias`, { name: `${to}.${name}.bias`, shape: [out], ...interleaved });
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
      checkRange(stored, gguf.location, tensor.name);
      const values = interleaved === undefined ? stored : separateHalves(stored, shape[0], interleaved, kernels);
      const output = kernels.uint8(byteLength);
      await kernels.encode({ values, type: 'f16', output });
      return output;
    },
  };
}

/** Row h D + 2 t + s of ggml, s 0 or 1, is row h D + s D/2 + t of Hugging Face. */
function separateHalves(stored: Float32Array, rows: number, heads: number, kernels: Kernels): Float32Array {
  const dim = rows / heads;
  const columns = stored.length / rows;
  const output = kernels.float32(stored.length);
  for (let row = 0; row < rows; row++) {
    const inHead = row % dim;
    const to = row - inHead + (inHead % 2) * (dim / 2) + Math.floor(inHead / 2);
    output.set(stored.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return output;
}

function checkRange(values: Float32Array, file: string, tensor: string): void {
  const value = values.find((x) => !(Math.abs(x) < F16_LIMIT));
  if (value === undefined) return;
  throw new CompressError('not-representable', `The weight ${value} is beyond the range of F16.`, { file, tensor });
}
