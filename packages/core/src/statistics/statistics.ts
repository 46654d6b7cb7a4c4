import type { Matrix } from '@compress/kernels';

/**
 * What calibration can observe at a site, over all its tokens: `gram` the sum of x^T x divided by the number of tokens (the Hessian
 * proxy), `squares` its diagonal alone, `absmax` max |x_j|, `absmean` mean |x_j|, `mean` mean x_j, `samples` a few token rows
 * (spread evenly) kept as they are. `crossGram` is the sum of (x - x~)^T x~ divided by the number of tokens, x~ what is observed and x what the float model
 * has there: it takes the float model's activations along through the walk, at twice the time and memory. Only of steps that treat sites.
 */
export type Observation = 'gram' | 'squares' | 'absmax' | 'absmean' | 'mean' | 'samples' | 'crossGram';

/** What was observed at a site with `features` inputs. Only what some algorithm asked for is there. */
export interface Statistics {
  /** Rows observed; 0 when no token reached the site (an expert never chosen). */
  readonly tokens: number;
  /** `[features, features]`, symmetric. */
  readonly gram?: Matrix;
  /** `[features, features]`, not symmetric. Absent too where some token reached the site in one model and not in the other (experts). */
  readonly crossGram?: Matrix;
  /** `[features]` each. */
  readonly squares?: Float32Array;
  readonly absmax?: Float32Array;
  readonly absmean?: Float32Array;
  readonly mean?: Float32Array;
  readonly samples?: Matrix;
}
