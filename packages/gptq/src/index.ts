export { floatTarget } from './float-target.ts';
export { createGptq, gptq } from './gptq.ts';
export { type ColumnOrder, type GptqOptions, gptqOptions } from './options.ts';
export { type GptqRequest, type GptqResult, quantizeGptq } from './quantize-gptq.ts';
