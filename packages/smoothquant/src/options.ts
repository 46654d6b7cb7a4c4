import { activationOptions } from '@compress/core';
import { z } from 'zod';

/** What a recipe may say under `smoothquant`. */
export const smoothQuantOptions = z.strictObject({
  alpha: z
    .union([z.number().min(0).max(1), z.literal('auto'), z.literal('none')])
    .default(0.5)
    .describe(
      'How much of the difficulty moves from activations into weights: 0 none of it, 1 all; "auto" searches each norm for the least error of what its Linears make; "none" leaves the weights as they are and only rounds activations.',
    ),
  activations: activationOptions
    .prefault({})
    .describe('How the inputs of all treated Linears are rounded in the forward pass, smoothed or not.'),
});

/** The options of a recipe after parsing. */
export type SmoothQuantOptions = z.output<typeof smoothQuantOptions>;
