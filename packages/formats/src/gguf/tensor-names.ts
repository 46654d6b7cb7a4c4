/** Parts of a decoder block: their names in GGUF and in Hugging Face, without `.weight` and `.bias` (llama.cpp, `gguf-py/gguf/tensor_mapping.py`). */
export const BLOCK_PARTS: ReadonlyMap<string, string> = new Map([
  ['attn_norm', 'input_layernorm'],
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_output', 'self_attn.o_proj'],
  ['attn_q_norm', 'self_attn.q_norm'],
  ['attn_k_norm', 'self_attn.k_norm'],
  ['ffn_norm', 'post_attention_layernorm'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_down', 'mlp.down_proj'],
]);

/** The same of what is there once. */
export const MODEL_PARTS: ReadonlyMap<string, string> = new Map([
  ['token_embd', 'model.embed_tokens'],
  ['output_norm', 'model.norm'],
  ['output', 'lm_head'],
]);

/** GGUF's name for the part `hf` of block `layer`, or of the model. */
export function blockTensor(layer: number, part: string): { readonly gguf: string; readonly hf: string } {
  return { gguf: `blk.${layer}.${part}`, hf: `model.layers.${layer}.${BLOCK_PARTS.get(part)!}` };
}

const BY_HF: ReadonlyMap<string, string> = new Map([...BLOCK_PARTS].map(([part, hf]) => [hf, part]));

/** GGUF's name for the weight of a block's Linear, which Hugging Face calls `model.layers.N.` and so on; undefined for any other. */
export function ggufWeightName(linear: string): string | undefined {
  const found = /^model\.layers\.(\d+)\.(.+)$/.exec(linear);
  const part = found ? BY_HF.get(found[2]) : undefined;
  return part === undefined ? undefined : `blk.${found![1]}.${part}.weight`;
}
