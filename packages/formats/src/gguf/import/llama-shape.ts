import type { DecoderShape } from '../decoder-shape.ts';
import type { GgufFile } from '../open-gguf.ts';
import { createMetadataReader, importFault } from './metadata-reader.ts';

/** Sizes from `llama.*`. Throws `CompressError` `gguf-import` for other architectures, for what of the family is not imported (experts, scaled or partial rotary), and where there are more blocks than tensors. */
export function readLlamaShape(gguf: GgufFile): DecoderShape {
  const metadata = createMetadataReader(gguf);
  const fault = (message: string) => importFault(message, gguf.location);
  const architecture = metadata.text('general.architecture');
  if (architecture !== 'llama') throw fault(`The architecture ${architecture} is not imported (only llama).`);
  const natural = (key: string) => {
    const value = metadata.need(metadata.natural(`llama.${key}`), `llama.${key}`);
    if (value > 0) return value;
    throw fault(`llama.${key} must not be 0.`);
  };
  if ((metadata.natural('llama.expert_count') ?? 0) > 0) throw fault('Models with experts are not imported.');
  const scaling = metadata.text('llama.rope.scaling.type') ?? 'none';
  if (scaling !== 'none' || gguf.tensors.has('rope_freqs.weight')) {
    throw fault('Models with scaled rotary positions are not imported: what scaled them is not told exactly.');
  }
  const hidden = natural('embedding_length');
  const heads = natural('attention.head_count');
  const headDim = metadata.natural('llama.attention.key_length') ?? hidden / heads;
  const rotary = metadata.natural('llama.rope.dimension_count') ?? headDim;
  const valueDim = metadata.natural('llama.attention.value_length') ?? headDim;
  if (headDim % 2 !== 0 || rotary !== headDim || valueDim !== headDim) {
    throw fault(`Heads of ${headDim} with ${rotary} rotary dimensions and values of ${valueDim} are not imported.`);
  }
  const tokens = metadata.texts('tokenizer.ggml.tokens');
  const layers = natural('block_count');
  // Before anything is made for each of them.
  if (layers > gguf.tensors.size)
    throw fault(`llama.block_count is ${layers}, and the file has ${gguf.tensors.size} tensors in all.`);
  return {
    layers,
    hidden,
    intermediate: natural('feed_forward_length'),
    heads,
    kvHeads: metadata.natural('llama.attention.head_count_kv') ?? heads,
    headDim,
    context: natural('context_length'),
    vocabulary: metadata.need(tokens, 'tokenizer.ggml.tokens').length,
    epsilon: metadata.need(
      metadata.number('llama.attention.layer_norm_rms_epsilon'),
      'llama.attention.layer_norm_rms_epsilon',
    ),
    // What llama.cpp takes where the file says nothing.
    ropeTheta: metadata.number('llama.rope.freq_base') ?? 10_000,
  };
}
