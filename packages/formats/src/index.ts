export { dense } from './dense.ts';
export { formats } from './formats.ts';
export { gptq } from './gptq/gptq.ts';
export { openModelCheckpoint } from './open-model-checkpoint.ts';
