import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CompressError, type WrittenFile, writeCheckpoint, writeFileAtomic } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import type { DecoderShape } from '../decoder-shape.ts';
import { type GgufFile, openGguf } from '../open-gguf.ts';
import { bpeTokenizer, type SpecialTokens } from './bpe-tokenizer.ts';
import { readLlamaShape } from './llama-shape.ts';
import { llamaTensors } from './llama-tensors.ts';
import { createMetadataReader } from './metadata-reader.ts';

/**
 * Makes a Hugging Face folder of a GGUF file of the Llama family with a byte-level BPE vocabulary: F16 safetensors, `config.json`,
 * `tokenizer.json`, `tokenizer_config.json`. Everything is checked before anything is written, and config.json, without which no folder is a
 * model, comes last. Throws `CompressError` `gguf-import` for what is not imported, `folder-not-empty`, and those of {@link openGguf} and
 * `writeCheckpoint`.
 */
export async function importGguf(file: string, folder: string, kernels: Kernels): Promise<readonly WrittenFile[]> {
  const gguf = await openGguf(file);
  try {
    const shape = readLlamaShape(gguf);
    const tensors = llamaTensors(gguf, shape, kernels);
    const { tokenizer, special } = bpeTokenizer(gguf);
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0) {
      throw new CompressError('folder-not-empty', 'The folder is not empty: name a new one.', { file: folder });
    }
    const written = [...(await writeCheckpoint(folder, tensors))];
    const put = async (name: string, content: object) => {
      written.push(await writeFileAtomic(join(folder, name), `${JSON.stringify(content, undefined, 2)}\n`));
    };
    await put('tokenizer.json', tokenizer);
    await put('tokenizer_config.json', tokenizerConfig(gguf, shape, special));
    await put('config.json', config(gguf, shape, special));
    return written;
  } finally {
    await gguf.close();
  }
}

function config({ tensors }: GgufFile, shape: DecoderShape, { bos, eos, pad }: SpecialTokens): object {
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
