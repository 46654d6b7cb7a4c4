export { type Perplexity, type PerplexityRequest, perplexity } from './perplexity.ts';
