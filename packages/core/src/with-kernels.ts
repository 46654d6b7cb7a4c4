import { createKernels, type Kernels } from '@compress/kernels';

/** Runs with the kernels given or, for a caller who has none, with kernels made for this once and closed at the end. */
export async function withKernels<Result>(
  given: Kernels | undefined,
  run: (kernels: Kernels) => Promise<Result>,
): Promise<Result> {
  if (given) return run(given);
  const kernels = await createKernels();
  try {
    return await run(kernels);
  } finally {
    await kernels.close();
  }
}
