import { z } from 'zod';

/** What a recipe may say under `hadamard`. The names are those of QuaRot and SpinQuant. */
export const hadamardOptions = z.strictObject({
  rotations: z
    .array(z.enum(['R1', 'R2', 'R3', 'R4']))
    .min(1)
    .refine((names) => new Set(names).size === names.length, { error: 'must name each rotation once' })
    .default(['R1', 'R2'])
    .describe(
      'R1: the residual stream; R2: values and the attention output, per head; both are folded into the weights. R3: queries and keys after RoPE; R4: what feeds down; both are part of the forward pass.',
    ),
  matrix: z
    .enum(['hadamard', 'orthogonal'])
    .default('hadamard')
    .describe(
      'R1: random signs times a Hadamard matrix, or a random orthogonal matrix, which mixes less evenly and costs more.',
    ),
  block: z
    .int()
    .min(2)
    .nullable()
    .default(null)
    .describe(
      'Of R3 and R4: neighbouring channels that are rotated together, of a size that divides them all; null: as many as there are. Consumers that rotate themselves know powers of two alone.',
    ),
  seed: z.int().default(0).describe('Of the signs of R1, or of its random orthogonal matrix.'),
});

/** The options of a recipe after parsing. */
export type HadamardOptions = z.output<typeof hadamardOptions>;
