export { awq } from './awq/awq.ts';
export { bitsandbytes } from './bitsandbytes/bitsandbytes.ts';
export { compressedTensors } from './compressed-tensors/compressed-tensors.ts';
export { dense } from './dense.ts';
export { formats } from './formats.ts';
export { fp8Blocks } from './fp8-blocks.ts';
export { encodeBlocks } from './gguf/encode/encode-blocks.ts';
export {
  type ExportPlan,
  type ExportRequest,
  type ExportResult,
  ggufPresets,
  planGgufExport,
} from './gguf/export/export-gguf.ts';
export type { ModelCard } from './gguf/export/model-keys.ts';
export type { GgufValue } from './gguf/gguf-value.ts';
export { type Imatrix, readImatrix, writeImatrix } from './gguf/imatrix/imatrix.ts';
export { type GgufModel, importGguf, openGgufModel, writeGgufDescription } from './gguf/import/import-gguf.ts';
export { type GgufFile, type GgufTensor, openGguf } from './gguf/open-gguf.ts';
export { ggufWeightName } from './gguf/tensor-names.ts';
export { type GgufContent, type GgufTensorSource, writeGguf } from './gguf/write-gguf.ts';
export { gptq } from './gptq/gptq.ts';
export { mlx } from './mlx/mlx.ts';
export { onnx } from './onnx/onnx.ts';
export { openModelCheckpoint } from './open-model-checkpoint.ts';
export { openStoredCheckpoint } from './open-stored-checkpoint.ts';
export { openPytorch } from './pytorch/open-pytorch.ts';
