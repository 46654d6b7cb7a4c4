/** The folder in a model's folder where transformers.js looks for graphs. */
export const ONNX_FOLDER = 'onnx';

/** How transformers.js names a graph and its data by the width of most weights: its `dtype`, and what the file's name ends in. */
const NAMES: Readonly<Record<number, { readonly dtype: string; readonly suffix: string }>> = {
  2: { dtype: 'q2', suffix: '_q2' },
  4: { dtype: 'q4', suffix: '_q4' },
  8: { dtype: 'q8', suffix: '_quantized' },
};

/** What transformers.js calls weights of this width. */
export function dtypeName(bits: number): string {
  return NAMES[bits].dtype;
}

/** The file of the graph of a model whose codes have this width. */
export function graphFile(bits: number): string {
  return `model${NAMES[bits].suffix}.onnx`;
}

/** The file of its tensors, beside it. */
export function dataFile(bits: number): string {
  return `${graphFile(bits)}_data`;
}
