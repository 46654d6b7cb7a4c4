import type { Kernels } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import type { FloatDtype } from './dtype.ts';

/** The least magnitude that f16 rounds to infinity. */
const F16_LIMIT = 65520;

/** f32 values in a dtype, rounded half to even. Throws `CompressError` `not-representable` for what F16 cannot hold. */
export async function encodeFloats(
  values: Float32Array,
  dtype: FloatDtype,
  tensor: string,
  kernels: Kernels,
): Promise<Uint8Array> {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const beyond = dtype === 'F16' ? firstBeyondF16(values) : -1;
  if (beyond >= 0)
    throw new CompressError(
      'not-representable',
      `The weight ${values[beyond]} is beyond the range of F16: store the model as BF16.`,
      { tensor },
    );
  const output = kernels.uint8(2 * values.length);
  await kernels.encode({ values, type: dtype === 'F16' ? 'f16' : 'bf16', output });
  return output;
}

/** A plain loop: it runs over every weight of a model, where a callback would cost seconds. */
function firstBeyondF16(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) >= F16_LIMIT) return i;
  return -1;
}
