/** Sizes of a decoder, as keys of its architecture give them (ggml, `docs/gguf.md`, "LLM"). */
export interface DecoderShape {
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly context: number;
  readonly vocabulary: number;
  readonly epsilon: number;
  readonly ropeTheta: number;
}
