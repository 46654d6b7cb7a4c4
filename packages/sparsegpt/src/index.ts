export { type Criterion, type SparseGptOptions, sparseGptOptions } from './options.ts';
export { type MagnitudeRequest, pruneMagnitude } from './prune-magnitude.ts';
export { pruneSparseGpt, type SparseGptRequest, type SparseGptResult } from './prune-sparsegpt.ts';
export { pruneWanda, type WandaRequest } from './prune-wanda.ts';
export type { PrunedWeight } from './pruned-weight.ts';
export { createSparseGpt, sparsegpt } from './sparsegpt.ts';
export type { SparsityChoice } from './sparsity.ts';
