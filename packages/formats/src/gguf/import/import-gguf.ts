import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Checkpoint,
  type CodedCheckpoint,
  CompressError,
  readFloat32,
  type TensorInfo,
  type TensorSource,
  type WrittenFile,
  writeCheckpoint,
  writeFileAtomic,
} from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { checkHalfRange } from '../check-half-range.ts';
import type { DecoderShape } from '../decoder-shape.ts';
import { type GgufFile, openGguf } from '../open-gguf.ts';
import { bpeTokenizer, type SpecialTokens } from './bpe-tokenizer.ts';
import { llamaCheckpoint } from './llama-checkpoint.ts';
import { readLlamaShape } from './llama-shape.ts';
import { createMetadataReader } from './metadata-reader.ts';

/** A GGUF file as a Hugging Face model, nothing of it written. */
export interface GgufModel {
  /** Under Hugging Face's names; quantized tensors are F32, decoded on reading, and those in blocks of one scale codes too. */
  readonly checkpoint: CodedCheckpoint;
  /** What would be in `config.json`, `tokenizer.json` and `tokenizer_config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tokenizer: object;
  readonly tokenizerConfig: object;
}

/**
 * Opens a GGUF file of the Llama family with a byte-level BPE vocabulary as a model; the caller closes its checkpoint. Throws `CompressError` `gguf-import` for
 * what is not imported, and those of {@link openGguf}.
 */
export async function openGgufModel(file: string): Promise<GgufModel> {
  const gguf = await openGguf(file);
  try {
    const shape = readLlamaShape(gguf);
    const checkpoint = llamaCheckpoint(gguf, shape);
    const { tokenizer, special } = bpeTokenizer(gguf);
    return {
      checkpoint,
      config: config(gguf, shape, special),
      tokenizer,
      tokenizerConfig: tokenizerConfig(gguf, shape, special),
    };
  } catch (error) {
    await gguf.close();
    throw error;
  }
}

/**
 * Makes a Hugging Face folder of what {@link openGgufModel} opens: F16 safetensors, `config.json`, `tokenizer.json`, `tokenizer_config.json`.
 * Everything is checked before anything is written, and config.json, without which no folder is a model, comes last. Throws `CompressError`
 * `folder-not-empty`, `not-representable` for weights beyond F16, and those of {@link openGgufModel} and `writeCheckpoint`.
 */
export async function importGguf(file: string, folder: string, kernels: Kernels): Promise<readonly WrittenFile[]> {
  const model = await openGgufModel(file);
  try {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0) {
      throw new CompressError('folder-not-empty', 'The folder is not empty: name a new one.', { file: folder });
    }
    const { checkpoint } = model;
    const tensors = [...checkpoint.tensors.values()].map((info) => halfTensor(checkpoint, info, kernels));
    return [...(await writeCheckpoint(folder, tensors)), ...(await writeGgufDescription(model, folder))];
  } finally {
    await model.checkpoint.close();
  }
}

/** Writes what a model's folder holds beside its weights: `tokenizer.json`, `tokenizer_config.json` and, last, `config.json`. */
export async function writeGgufDescription(model: GgufModel, folder: string): Promise<WrittenFile[]> {
  const written: WrittenFile[] = [];
  for (const [name, content] of [
    ['tokenizer.json', model.tokenizer],
    ['tokenizer_config.json', model.tokenizerConfig],
    ['config.json', model.config],
  ] as const)
    written.push(await writeFileAtomic(join(folder, name), `${JSON.stringify(content, undefined, 2)}\n`));
  return written;
}

function halfTensor(checkpoint: Checkpoint, { name, shape }: TensorInfo, kernels: Kernels): TensorSource {
  const byteLength = 2 * shape.reduce((product, dimension) => product * dimension, 1);
  return {
    name,
    dtype: 'F16',
    shape,
    byteLength,
    async bytes() {
      const values = await readFloat32(checkpoint, name, kernels);
      checkHalfRange(values, checkpoint.location, name);
      const output = kernels.uint8(byteLength);
      await kernels.encode({ values, type: 'f16', output });
      return output;
    },
  };
}

function config(
  { tensors }: GgufFile,
  shape: DecoderShape,
  { bos, eos, pad }: SpecialTokens,
): Readonly<Record<string, unknown>> {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: shape.hidden,
    intermediate_size: shape.intermediate,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    vocab_size: shape.vocabulary,
    max_position_embeddings: shape.context,
    rms_norm_eps: shape.epsilon,
    rope_theta: shape.ropeTheta,
    hidden_act: 'silu',
    tie_word_embeddings: !tensors.has('output.weight'),
    attention_bias: tensors.has('blk.0.attn_q.bias'),
    mlp_bias: tensors.has('blk.0.ffn_gate.bias'),
    bos_token_id: bos?.id,
    eos_token_id: eos?.id,
    pad_token_id: pad?.id,
    torch_dtype: 'float16',
  };
}

function tokenizerConfig(gguf: GgufFile, { context }: DecoderShape, { bos, eos, pad }: SpecialTokens): object {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: bos?.text,
    eos_token: eos?.text,
    pad_token: pad?.text,
    model_max_length: context,
    chat_template: createMetadataReader(gguf).text('tokenizer.chat_template'),
  };
}
