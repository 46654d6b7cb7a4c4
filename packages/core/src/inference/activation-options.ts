import { z } from 'zod';

const WIDTHS = { int2: 2, int3: 3, int4: 4, int5: 5, int6: 6, int7: 7, int8: 8, fp8: 8 } as const;

/** How the inputs of a step's Linears are rounded in the forward pass, as recipes write it: `{ grid: int8, per: token }`. */
export const activationOptions = z
  .strictObject({
    grid: z
      .enum(Object.keys(WIDTHS) as (keyof typeof WIDTHS)[])
      .default('int8')
      .describe('Symmetric integers: int2 to int8; or fp8 (E4M3), which goes with weights in fp8-e4m3.'),
    per: z
      .enum(['token', 'tensor'])
      .default('token')
      .describe('"token": a scale for each token as it comes (dynamic); "tensor": one for all, from calibration.'),
  })
  .transform(({ grid, per }) => ({ ...(grid === 'fp8' && { grid }), bits: WIDTHS[grid], per }));

/** The options after parsing: whether codes are fp8, their bits, and what shares a scale. */
export type ActivationOptions = z.output<typeof activationOptions>;
