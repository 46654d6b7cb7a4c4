export type { ConformanceCase, ConformanceRequest } from './case.ts';
export { conformance } from './conformance.ts';
export { type Rows, rowLoss, solve } from './plain-hessian.ts';
export { walkProof } from './walk-proof.ts';
