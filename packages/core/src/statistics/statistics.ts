import type { Matrix } from '@compress/kernels';

/**
 * What calibration can observe at a site, over all its tokens: `gram` the sum of x^T x divided by the number of tokens (the Hessian
 * proxy), `squares` its diagonal alone, `absmax` max |x_j|, `absmean` mean |x_j|, `mean` mean x_j, `samples` a few token rows
 * (spread evenly) kept as they are.
 */
export type Observation = 'gram' | 'squares' | 'absmax' | 'absmean' | 'mean' | 'samples';

/** What was observed at a site with `features` inputs. Only what some algorithm asked for is there. */
export interface Statistics {
  /** Rows observed; 0 when no token reached the site (an expert never chosen). */
  readonly tokens: number;
  /** `[features, features]`, symmetric. */
  readonly gram?: Matrix;
  /** `[features]` each. */
  readonly squares?: Float32Array;
  readonly absmax?: Float32Array;
  readonly absmean?: Float32Array;
  readonly mean?: Float32Array;
  readonly samples?: Matrix;
}
