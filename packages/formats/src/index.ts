export { compressedTensors } from './compressed-tensors/compressed-tensors.ts';
export { dense } from './dense.ts';
export { formats } from './formats.ts';
export type { GgufValue } from './gguf/gguf-value.ts';
export { importGguf } from './gguf/import/import-gguf.ts';
export { type GgufFile, type GgufTensor, openGguf } from './gguf/open-gguf.ts';
export { gptq } from './gptq/gptq.ts';
export { openModelCheckpoint } from './open-model-checkpoint.ts';
