export { ropeDivisors } from './config/rope-divisors.ts';
export { modelFromConfig } from './model-from-config.ts';
export { openTokenizer, type Tokenizer } from './tokenizer/open-tokenizer.ts';
