export { drawToken, likeliestToken, type Sampling } from './choose-token.ts';
export { type GenerateRequest, type Generation, generate } from './generate.ts';
export { type Perplexity, type PerplexityRequest, perplexity } from './perplexity.ts';
export { scoreSequences } from './score-sequences.ts';
export type { Sequence, SequenceWalk } from './sequence.ts';
