import { gram } from './gram.ts';
import { linear } from './linear.ts';
import { multiply } from './multiply.ts';
import type { Operation } from './operation.ts';

/** Every operation that the threads know, by the name under which jobs ask for it. */
export const operations = {
  gram,
  linear,
  multiply,
};

export type OperationName = keyof typeof operations;

export type OperationParams<N extends OperationName> = (typeof operations)[N] extends Operation<infer P> ? P : never;
