import type { Kernels } from '@compress/kernels';
import type { Algorithm } from '../algorithm/algorithm.ts';

/** One promise that every algorithm makes. `run` rejects, saying what is wrong, where it is not kept. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

export interface ConformanceRequest<Options> {
  readonly algorithm: Algorithm<Options>;
  /** Options as recipes write them; every case about results runs with each. Groups must divide 128 input columns. */
  readonly options: readonly unknown[];
  createKernels(threads: number): Promise<Kernels>;
  /** sha256 of what a run of this one algorithm leaves on disk: uninterrupted, and killed somewhere and resumed. */
  readonly walk?: {
    uninterrupted(algorithm: Algorithm<Options>, options: Options): Promise<string>;
    killedAndResumed(algorithm: Algorithm<Options>, options: Options): Promise<string>;
  };
}
