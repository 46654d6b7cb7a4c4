export type { ConformanceCase, ConformanceRequest } from './case.ts';
export { conformance } from './conformance.ts';
export { walkProof } from './walk-proof.ts';
