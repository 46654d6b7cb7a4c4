import { type CodedCheckpoint, type CodedWeight, checkRange, findTensor, type TensorInfo } from '@compress/core';
import type { DecoderShape } from '../decoder-shape.ts';
import { separateRow } from '../interleave.ts';
import type { GgufFile } from '../open-gguf.ts';
import { blockTensor, MODEL_PARTS } from '../tensor-names.ts';
import { BLOCK, BLOCK_CODES, blocksToCodes } from './blocks-to-codes.ts';
import { importFault } from './metadata-reader.ts';

interface Target {
  readonly name: string;
  readonly shape: readonly number[];
  /** Heads whose rows ggml stores with the halves of each interleaved. */
  readonly interleaved?: number;
}

/**
 * The file's tensors under their Hugging Face names, rows of q and k in Hugging Face's order, dtypes as {@link openGguf} gives them; matrices in blocks
 * of one scale as codes too. Throws `CompressError` `gguf-import` for tensors that are missing, unknown or of another shape than the metadata says.
 * Closing it closes the file.
 */
export function llamaCheckpoint(gguf: GgufFile, shape: DecoderShape): CodedCheckpoint {
  const { location } = gguf;
  const targets = targetsOf(shape, (name) => gguf.tensors.has(name));
  for (const name of gguf.tensors.keys()) {
    if (!targets.has(name)) throw importFault('No model of the family has a tensor of this name.', location, name);
  }
  const tensors = new Map<string, TensorInfo>();
  const coded = new Map<string, CodedWeight>();
  const places = new Map<string, { readonly stored: string; readonly headBytes?: number }>();
  for (const [stored, target] of targets) {
    const tensor = gguf.tensors.get(stored);
    if (tensor === undefined) throw importFault('The tensor is missing.', location, stored);
    if (tensor.shape.join() !== target.shape.join()) {
      const message = `Its shape is [${tensor.shape}], but the metadata asks for [${target.shape}].`;
      throw importFault(message, location, stored);
    }
    const { type, byteLength } = tensor;
    const { type: _, ...info } = { ...tensor, name: target.name };
    tensors.set(target.name, info);
    const heads = target.interleaved;
    const blocks = BLOCK_CODES.get(type);
    if (blocks !== undefined && target.shape.length === 2) {
      const [rows, columns] = target.shape;
      const headRows = heads === undefined ? undefined : shape.headDim;
      coded.set(target.name, {
        grid: blocks.grid,
        groupSize: BLOCK,
        ...(blocks.remark !== undefined && { remark: blocks.remark }),
        read: async () => {
          const place = { file: location, tensor: stored };
          return blocksToCodes({ blocks: await gguf.readStored(stored), type, rows, columns, headRows, place });
        },
      });
    }
    places.set(target.name, { stored, ...(heads !== undefined && { headBytes: byteLength / heads }) });
  }
  return {
    tensors,
    coded,
    location,
    files: gguf.files,
    async read(name, range) {
      const { byteLength } = findTensor({ location, tensors }, name);
      const { stored, headBytes } = places.get(name)!;
      if (headBytes === undefined) return gguf.read(stored, range);
      const { start, end } = checkRange(range, byteLength, location, name);
      // Rows move inside of a head, so whole heads are read.
      const from = Math.floor(start / headBytes) * headBytes;
      const heads = await gguf.read(stored, { start: from, end: Math.ceil(end / headBytes) * headBytes });
      return separateHalves(heads, headBytes, shape.headDim).subarray(start - from, end - from);
    },
    close: () => gguf.close(),
  };
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

/** Rows of whole heads, of ggml's order, in Hugging Face's. */
function separateHalves(stored: Uint8Array, headBytes: number, dim: number): Uint8Array {
  const rowBytes = headBytes / dim;
  const output = new Uint8Array(stored.length);
  for (let row = 0; row * rowBytes < stored.length; row++) {
    output.set(stored.subarray(row * rowBytes, (row + 1) * rowBytes), separateRow(row, dim) * rowBytes);
  }
  return output;
}
