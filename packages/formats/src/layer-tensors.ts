import { type Dtype, type TensorSource, tensorBytes } from '@compress/core';

/** The tensors of a Linear: `layout` says what each is, by its name behind the Linear's `prefix`, and `parts` how its bytes are made. */
export function layerTensors(
  prefix: string | undefined,
  layout: Readonly<Record<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>>,
  parts: Readonly<Record<string, () => Promise<Uint8Array>>>,
): TensorSource[] {
  return Object.entries(layout).map(([suffix, { dtype, shape }]) => ({
    name: `${prefix}.${suffix}`,
    dtype,
    shape,
    byteLength: tensorBytes(dtype, shape) as number,
    bytes: parts[suffix],
  }));
}
