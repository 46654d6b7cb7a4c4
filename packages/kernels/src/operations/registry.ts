import { choleskyDiagonal } from './cholesky-diagonal.ts';
import { choleskyPanel } from './cholesky-panel.ts';
import { descend } from './descend.ts';
import { elementOperations } from './element-operations.ts';
import { gram } from './gram.ts';
import { invertColumns } from './invert-columns.ts';
import { linear } from './linear.ts';
import { linearInt8 } from './linear-int8.ts';
import { linears } from './linears.ts';
import { mirror } from './mirror.ts';
import { multiply } from './multiply.ts';
import type { Operation } from './operation.ts';
import { roundingError } from './rounding-error.ts';
import { sweep } from './sweep.ts';
import { weightedError } from './weighted-error.ts';

/** Every operation that the threads know, by the name under which jobs ask for it. */
export const operations = {
  ...elementOperations,
  choleskyDiagonal,
  choleskyPanel,
  invertColumns,
  mirror,
  gram,
  linear,
  linearInt8,
  linears,
  multiply,
  roundingError,
  sweep,
  descend,
  weightedError,
};

export type OperationName = keyof typeof operations;

export type OperationParams<N extends OperationName> =
  (typeof operations)[N] extends Operation<infer P, infer _> ? P : never;
