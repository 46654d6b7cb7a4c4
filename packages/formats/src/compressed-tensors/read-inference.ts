import { type Checkpoint, CompressError, type ModuleReader, type SiteInference } from '@compress/core';
import { readScales } from '../read-parts.ts';
import { groupOf } from './match-target.ts';
import { cacheOfScheme } from './read-cache-scheme.ts';
import type { Reading } from './read-configuration.ts';
import { rotationAt } from './read-transforms.ts';

/**
 * What the configuration and the calibrated scales beside the weights say of modules. `checkpoint` is as it lies on disk, `floats` the same decoded. Reading throws `CompressError`
 * `compressed-tensors-parts` and `quantization-config`.
 */
export function readInferenceOf(
  checkpoint: Checkpoint,
  floats: Pick<Checkpoint, 'tensors'>,
  { groups, cache, transforms }: Reading,
): ModuleReader {
  const { location } = checkpoint;
  return {
    async input(linear): Promise<SiteInference | undefined> {
      const features = floats.tensors.get(`${linear}.weight`)?.shape[1] ?? 0;
      const rotation = rotationAt(transforms, 'input', linear, features, location);
      const quantizer = await quantizerOf(linear);
      return rotation || quantizer ? { ...(rotation && { rotation }), ...(quantizer && { quantizer }) } : undefined;
    },
    async attention(module, heads) {
      const { headDimension } = heads;
      const rotation = rotationAt(transforms, 'k_cache', module, headDimension, location);
      if (rotation?.size !== rotationAt(transforms, 'q_attn', module, headDimension, location)?.size)
        throw new CompressError(
          'quantization-config',
          `transform_config rotates queries and keys of ${module} differently.`,
          { file: location },
        );
      if (cache === undefined) return rotation && { rotation };
      const scales = {
        keys: await scalesIn(`${module}.k_scale`),
        values: await scalesIn(`${module}.v_scale`),
      };
      return { ...(rotation && { rotation }), cache: cacheOfScheme(cache, scales, heads, module) };
    },
  };

  async function quantizerOf(linear: string): Promise<SiteInference['quantizer']> {
    // Without a scale it is not in codes: the configuration ignores it.
    if (!checkpoint.tensors.has(`${linear}.weight_scale`)) return undefined;
    const input = groupOf(linear, groups)?.input;
    if (input === undefined) return undefined;
    const { bits, type } = input;
    const scale = input.scale === 'token' ? input.scale : await oneScale(`${linear}.input_scale`);
    return { ...(type === 'float' && { grid: 'fp8' }), bits, scale };
  }

  async function oneScale(tensor: string): Promise<number> {
    const scales = await scalesIn(tensor);
    if (scales.length !== 1) throw partsError(`It must be one number, not ${scales.length}.`, tensor);
    return scales[0];
  }

  async function scalesIn(tensor: string): Promise<number[]> {
    const info = checkpoint.tensors.get(tensor);
    if (info === undefined)
      throw partsError('The configuration asks for calibrated scales, which are not there.', tensor);
    if (info.dtype !== 'F16' && info.dtype !== 'BF16' && info.dtype !== 'F32')
      throw partsError(`Scales must be F16, BF16 or F32, not ${info.dtype}.`, tensor);
    const scales = [...(await readScales(checkpoint, info))];
    const wrong = scales.find((scale) => !(scale > 0 && scale < Number.POSITIVE_INFINITY));
    if (wrong !== undefined) throw partsError(`Scales must be positive numbers, not ${wrong}.`, tensor);
    return scales;
  }

  function partsError(message: string, tensor: string): CompressError {
    return new CompressError('compressed-tensors-parts', message, { file: location, tensor });
  }
}
