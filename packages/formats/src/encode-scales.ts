import { CompressError } from '@compress/core';
import type { Kernels } from '@compress/kernels';

type FloatType = 'f32' | 'f16' | 'bf16';

/** Scales as floats. Throws `CompressError` `not-representable` for one that is not positive, finite and exactly of that type. */
export async function encodeScales(
  values: Float32Array,
  type: FloatType,
  tensor: string,
  kernels: Kernels,
): Promise<Uint8Array> {
  const { bytes, decoded } = await encode(values, type, kernels);
  const bad = values.findIndex(
    (value, i) => !(value > 0) || decoded[i] !== value || value === Number.POSITIVE_INFINITY,
  );
  if (bad < 0) return bytes;
  throw new CompressError(
    'not-representable',
    `The scale ${values[bad]} is no positive ${type.toUpperCase()} number: use a grid with scaleType ${type}.`,
    { tensor },
  );
}

/** The bytes, and what they are read as. */
async function encode(values: Float32Array, type: FloatType, kernels: Kernels) {
  if (type === 'f32') return { bytes: new Uint8Array(values.slice().buffer), decoded: values };
  const bytes = kernels.uint8(2 * values.length);
  await kernels.encode({ values, type, output: bytes });
  const decoded = new Float32Array(values.length);
  await kernels.decode({ bytes, type, output: decoded });
  return { bytes, decoded };
}
