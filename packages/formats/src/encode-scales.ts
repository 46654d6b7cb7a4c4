import { CompressError } from '@compress/core';
import type { Kernels } from '@compress/kernels';

/** Scales as halves. Throws `CompressError` `not-representable` for one that is not positive, finite and exactly of that type. */
export async function encodeScales(
  values: Float32Array,
  type: 'f16' | 'bf16',
  tensor: string,
  kernels: Kernels,
): Promise<Uint8Array> {
  const output = kernels.uint8(2 * values.length);
  await kernels.encode({ values, type, output });
  const decoded = new Float32Array(values.length);
  await kernels.decode({ bytes: output, type, output: decoded });
  const bad = values.findIndex(
    (value, i) => !(value > 0) || decoded[i] !== value || value === Number.POSITIVE_INFINITY,
  );
  if (bad < 0) return output;
  throw new CompressError(
    'not-representable',
    `The scale ${values[bad]} is no positive ${type.toUpperCase()} number: use a grid with scaleType ${type}.`,
    { tensor },
  );
}
