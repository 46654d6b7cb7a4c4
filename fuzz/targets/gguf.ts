import { rm } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { importGguf, openGguf, openGgufModel } from '@compress/formats';
import { createReferenceKernels } from '@compress/kernels';
import {
  f32,
  ggufFile,
  join,
  key,
  tensor,
  text,
  u32,
  u64,
} from '../../packages/formats/src/gguf/gguf-file.test.fixture.ts';
import type { Target } from '../target.ts';
import { readTensors } from './read-tensors.ts';

const FILE = 'model.gguf';
const kernels = createReferenceKernels();

const strings = (...values: string[]) => join(u32(8), u64(values.length), ...values.map(text));

/** A Llama of one layer: 2 heads of 16 with 1 for keys and values, 32 hidden, 64 intermediate, 5 tokens. */
const KEYS = [
  key('general.architecture', 8, text('llama')),
  key('llama.block_count', 4, u32(1)),
  key('llama.context_length', 10, u64(64)),
  key('llama.embedding_length', 4, u32(32)),
  key('llama.feed_forward_length', 4, u32(64)),
  key('llama.attention.head_count', 4, u32(2)),
  key('llama.attention.head_count_kv', 4, u32(1)),
  key('llama.attention.layer_norm_rms_epsilon', 6, f32(1e-5)),
  key('llama.rope.freq_base', 6, f32(10_000)),
  key('tokenizer.ggml.model', 8, text('gpt2')),
  key('tokenizer.ggml.pre', 8, text('smollm')),
  key('tokenizer.ggml.tokens', 9, strings('<s>', 'a', 'b', 'ab', '<x>')),
  key('tokenizer.ggml.token_type', 9, u32(5), u64(5), ...[3, 1, 1, 1, 4].map(u32)),
  key('tokenizer.ggml.merges', 9, strings('a b')),
  key('tokenizer.ggml.bos_token_id', 4, u32(0)),
  key('tokenizer.ggml.add_bos_token', 7, Uint8Array.of(1)),
];

/** Dimensions as the file has them, columns first; numbers of ggml's types and bytes a row. */
const TENSORS: readonly (readonly [name: string, ne: readonly number[], type: number, bytes: number])[] = [
  ['token_embd.weight', [32, 5], 2, 90],
  ['output_norm.weight', [32], 0, 128],
  ['blk.0.attn_norm.weight', [32], 0, 128],
  ['blk.0.ffn_norm.weight', [32], 0, 128],
  ['blk.0.attn_q.weight', [32, 32], 8, 1088],
  ['blk.0.attn_k.weight', [32, 16], 1, 1024],
  ['blk.0.attn_v.weight', [32, 16], 3, 320],
  ['blk.0.attn_output.weight', [32, 32], 6, 704],
  ['blk.0.ffn_gate.weight', [32, 64], 20, 1152],
  ['blk.0.ffn_up.weight', [32, 64], 39, 1088],
  ['blk.0.ffn_down.weight', [64, 32], 7, 1536],
];

/** Every tensor is filled up to the alignment of 32 bytes. */
function layOut(tensors: typeof TENSORS): { readonly infos: Uint8Array[]; readonly data: Uint8Array } {
  const infos: Uint8Array[] = [];
  let offset = 0;
  for (const [name, ne, type, bytes] of tensors) {
    infos.push(tensor(name, ne, type, offset));
    offset += Math.ceil(bytes / 32) * 32;
  }
  return { infos, data: Uint8Array.from({ length: offset }, (_, i) => (i * 7) % 60) };
}

/** Minima of 0 in blocks of Q4_1 and Q5_1, which are zero points then. */
function clearMinima(data: Uint8Array, tensors: typeof TENSORS): Uint8Array {
  const blockBytes = new Map([
    [3, 20],
    [7, 24],
  ]);
  let offset = 0;
  for (const [, , type, bytes] of tensors) {
    const block = blockBytes.get(type) ?? bytes;
    if (block < bytes) for (let at = offset; at < offset + bytes; at += block) data.fill(0, at + 2, at + 4);
    offset += Math.ceil(bytes / 32) * 32;
  }
  return data;
}

const { infos, data } = layOut(TENSORS);
/** Rows of the types that need 256 columns. */
const wide = layOut(
  [
    [10, 84],
    [11, 110],
    [12, 144],
    [13, 176],
    [14, 210],
    [23, 136],
  ].map(([type, bytes]) => [`t${type}`, [256, 2], type, 2 * bytes]),
);

/** GGUF, read as a checkpoint and made a folder of. */
export const ggufTarget: Target = {
  name: 'gguf',
  folders: [
    { [FILE]: ggufFile({ keys: KEYS, tensors: infos, data: clearMinima(data, TENSORS) }) },
    { [FILE]: ggufFile({ keys: [key('general.alignment', 4, u32(32))], tensors: wide.infos, data: wide.data }) },
  ],
  changed: [FILE],
  named: true,
  async read(folder) {
    const file = joinPath(folder, FILE);
    const gguf = await openGguf(file);
    try {
      await readTensors(gguf);
    } finally {
      await gguf.close();
    }
    const { checkpoint } = await openGgufModel(file);
    try {
      for (const coded of checkpoint.coded.values()) await coded.read();
    } finally {
      await checkpoint.close();
    }
    const output = joinPath(folder, 'imported');
    try {
      await importGguf(file, output, kernels);
    } finally {
      await rm(output, { recursive: true, force: true });
    }
  },
};
