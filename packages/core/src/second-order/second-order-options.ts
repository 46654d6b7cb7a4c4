import { z } from 'zod';

/**
 * What a step that makes good its errors by the Hessian says of it in a recipe: how far its diagonal is raised, and how many columns are taken together, of which
 * `blockSize` says what that changes.
 */
export function secondOrderOptions({ blockSize }: { readonly blockSize: string }) {
  return {
    damping: z
      .number()
      .min(0)
      .max(1)
      .default(0.01)
      .describe(
        "Share of the mean of the Hessian's diagonal that is added to it; doubled, with a warning, where it does not suffice.",
      ),
    blockSize: z.int().min(1).default(128).describe(blockSize),
  };
}
