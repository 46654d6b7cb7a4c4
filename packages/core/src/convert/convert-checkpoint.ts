import type { Algorithm } from '../algorithm/algorithm.ts';
import type { FloatDtype } from '../checkpoint/dtype.ts';
import { CompressError } from '../errors.ts';
import type { CodedCheckpoint } from '../format/format.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { readManifest } from '../manifest/verify-folder.ts';
import { type CompressResult, compress } from '../walk/compress.ts';
import type { CompressRequest } from '../walk/request.ts';
import { castFloats, dtypeOfFloats } from './cast-floats.ts';
import { storedCodes, withCodedLinears } from './stored-codes.ts';

/** What {@link convertCheckpoint} needs. */
export interface ConvertRequest
  extends Pick<
    CompressRequest,
    'model' | 'source' | 'output' | 'format' | 'kernels' | 'versions' | 'onEvent' | 'signal'
  > {
  readonly checkpoint: CodedCheckpoint;
  /** The dtype of all floats of the output. Absent: each has the one that it had, and what was in codes and will be floats that of most others. */
  readonly dtype?: FloatDtype;
}

/**
 * The same model in another format. Codes, scales and zero points stay what they are, and the format says before any work what of them it
 * cannot hold; with a format that stores no codes, weights are dequantized. It is a walk whose only step gives each Linear the codes that it has,
 * so all that `compress` promises holds: the plan first, every Linear read back and compared, the output whole or not there, a
 * killed run goes on. Throws as `compress` does, and `not-representable` for numbers that the format cannot hold exactly.
 */
export async function convertCheckpoint(request: ConvertRequest): Promise<CompressResult> {
  const { checkpoint, format, dtype, kernels, source } = request;
  const floats = dtype ?? dtypeOfFloats(checkpoint);
  const from = await recipeOf(source);
  return compress({
    ...request,
    model: withCodedLinears(request.model, checkpoint),
    checkpoint: castFloats(checkpoint, floats, ({ decoded }) => dtype !== undefined || decoded === true, kernels),
    pipeline: [{ algorithm: storedCodes(checkpoint, format, floats) as Algorithm, options: {} }],
    seed: 0,
    strict: false,
    activationMemory: 0,
    recipe: { convert: { format: format.name, ...(dtype && { dtype }) }, ...(from && { from }) },
    ...(dtype && { floatDtype: dtype }),
  });
}

/** How the model came about, if this program made it. */
async function recipeOf(folder: string): Promise<Manifest['recipe'] | undefined> {
  try {
    return (await readManifest(folder)).recipe;
  } catch (error) {
    if (error instanceof CompressError) return undefined;
    throw error;
  }
}
