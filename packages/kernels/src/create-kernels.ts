import { chooseBuild } from './choose-build.ts';
import { elementKernels } from './element-kernels.ts';
import type { Kernels, Numerics } from './kernels.ts';
import { linearAlgebra } from './linear-algebra.ts';
import { createPool } from './pool/pool.ts';
import { sharedBuffer } from './pool/shared-buffer.ts';
import { createReferenceKernels } from './reference/create-reference-kernels.ts';
import type { Build } from './wasm/builds.ts';

/** How many threads, and which build. */
export interface KernelOptions {
  /** Threads to divide work over, the calling one included. Default: one for each core, or 1 where there is no shared memory. */
  readonly threads?: number;
  /** Default: `fma` where the engine has relaxed SIMD, else `mul-add`. */
  readonly numerics?: Numerics;
}

/**
 * Compiles the kernels for this engine and starts the workers.
 *
 * @throws RangeError if `threads` is not a positive integer; Error if the engine cannot run the numerics or the threads asked for.
 */
export async function createKernels(
  options: KernelOptions = {},
): Promise<Kernels & { readonly build: Build | 'reference' }> {
  if (options.numerics === 'reference') return { ...createReferenceKernels(), build: 'reference' };
  const threads = chooseThreads(options.threads);
  const { build, numerics, module } = await chooseBuild(options.numerics);
  const pool = await createPool(module, threads);
  const buffer = (bytes: number) => (threads > 1 ? sharedBuffer(bytes) : new ArrayBuffer(bytes));
  const matrix = (rows: number, columns: number) => ({
    rows,
    columns,
    data: new Float32Array(buffer(4 * rows * columns)),
  });
  return {
    build,
    numerics,
    threads,
    float32: (length) => new Float32Array(buffer(4 * length)),
    uint8: (length) => new Uint8Array(buffer(length)),
    matrix,
    scratch: matrix,
    ...linearAlgebra(pool),
    ...elementKernels(pool),
    close: pool.close,
  };
}

function chooseThreads(asked: number | undefined): number {
  // Browsers have SharedArrayBuffer only on pages that are cross-origin isolated.
  const shared = typeof SharedArrayBuffer !== 'undefined';
  const threads = asked ?? (shared ? (globalThis.navigator?.hardwareConcurrency ?? 1) : 1);
  if (!Number.isInteger(threads) || threads < 1) throw new RangeError(`threads is ${threads}, not a positive integer`);
  if (threads > 1 && !shared) {
    throw new Error(
      `${threads} threads need SharedArrayBuffer: serve the page with COOP and COEP headers, or use 1 thread`,
    );
  }
  return threads;
}
