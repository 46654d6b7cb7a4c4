import { join } from 'node:path';
import { z } from 'zod';
import { CompressError } from '../errors.ts';
import { parseJson, readModelText } from '../folder/read-model-json.ts';
import type { Inference } from './inference.ts';

/** Its name beside the weights. */
export const INFERENCE_FILE = 'inference.json';

const count = z.int().nonnegative();
const size = z.int().positive();
const rotation = z.strictObject({ kind: z.literal('hadamard'), size });
const quantizer = z.strictObject({
  grid: z.literal('fp8').optional(),
  bits: z.int().min(2).max(8),
  scale: z.union([z.literal('token'), z.number().positive()]),
});
const side = z.strictObject({
  grid: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('int'), bits: z.int().min(1).max(8) }),
    z.strictObject({ kind: z.literal('fp8') }),
    z.strictObject({
      kind: z.literal('levels'),
      levels: z.array(z.number()).min(2).max(256),
      scale: z.enum(['absmax', 'norm']),
    }),
  ]),
  axis: z.enum(['channel', 'token']),
  groupSize: size.max(65_536),
  scales: z.array(z.number().positive()).min(1).optional(),
  outliers: z.number().min(0).max(1).optional(),
});
const cache = z.strictObject({
  keys: side.optional(),
  values: side.optional(),
  keysBeforeRotary: z.boolean(),
  window: count,
  sinks: count,
});
const inferenceSchema = z.strictObject({
  sites: z.record(z.string(), z.strictObject({ rotation: rotation.optional(), quantizer: quantizer.optional() })),
  attention: z.record(z.string(), z.strictObject({ rotation: rotation.optional(), cache: cache.optional() })),
});

/** What lies in a model's folder, or undefined where its forward pass is the ordinary one. Throws `CompressError` `inference-invalid`. */
export async function readInference(folder: string): Promise<Inference | undefined> {
  const text = await readModelText(folder, INFERENCE_FILE);
  return text === undefined ? undefined : parseInference(text, join(folder, INFERENCE_FILE));
}

/** The same of its text. */
export function parseInference(text: string, file: string): Inference {
  const result = inferenceSchema.safeParse(parseJson(text, file, 'inference-invalid'));
  // JSON has no `undefined`, so what the schema calls optional is there or not, as the type says.
  if (result.success) return result.data as Inference;
  throw new CompressError(
    'inference-invalid',
    'This is no description of a forward pass by this program, or it was changed; compress the model again.',
    { file },
    { cause: result.error },
  );
}
