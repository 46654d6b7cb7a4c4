import type { Kernels } from '../kernels.ts';

/** The parameter object of one operation. */
export type ParametersOf<Name extends keyof Kernels> = Kernels[Name] extends (
  p: infer P extends object,
) => Promise<unknown>
  ? P
  : never;
