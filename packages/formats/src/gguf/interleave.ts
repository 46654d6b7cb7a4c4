/**
 * Which row of Hugging Face's q or k (a head's halves apart) is row `row` of ggml's (its halves interleaved): h D + 2 t + s there is h D + s D/2 + t
 * here (llama.cpp, `convert_hf_to_gguf.py`, `LlamaModel.permute`). `dim` is D, the rows of a head.
 */
export function separateRow(row: number, dim: number): number {
  const inHead = row % dim;
  return row - inHead + (inHead % 2) * (dim / 2) + Math.floor(inHead / 2);
}
