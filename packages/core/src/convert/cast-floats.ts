import type { Kernels } from '@compress/kernels';
import type { Checkpoint, TensorInfo } from '../checkpoint/checkpoint.ts';
import { DTYPE_BITS, type FloatDtype, isFloatDtype } from '../checkpoint/dtype.ts';
import { encodeFloats } from '../checkpoint/encode-floats.ts';
import { checkRange, findTensor } from '../checkpoint/find-tensor.ts';
import { readFloat32 } from '../checkpoint/read-float32.ts';

/**
 * The same checkpoint with `dtype` for the tensors that are `cast`, rounded on reading. Reading throws `CompressError` `not-representable` for what that
 * dtype cannot hold. Closing it closes nothing.
 */
export function castFloats(
  checkpoint: Checkpoint,
  dtype: FloatDtype,
  cast: (tensor: TensorInfo) => boolean,
  kernels: Kernels,
): Checkpoint {
  const width = DTYPE_BITS[dtype] / 8;
  const { location } = checkpoint;
  const tensors = new Map<string, TensorInfo>();
  for (const [name, info] of checkpoint.tensors) {
    const changes = isFloatDtype(info.dtype) && info.dtype !== dtype && cast(info);
    const byteLength = (info.byteLength * width * 8) / DTYPE_BITS[info.dtype];
    tensors.set(name, changes ? { ...info, dtype, byteLength } : info);
  }
  return {
    ...checkpoint,
    tensors,
    async read(name, range) {
      const info = findTensor({ location, tensors }, name);
      if (info.dtype === checkpoint.tensors.get(name)!.dtype) return checkpoint.read(name, range);
      const { start, end } = checkRange(range, info.byteLength, location, name);
      const from = Math.floor(start / width);
      const values = await readFloat32(checkpoint, name, kernels, { start: from, end: Math.ceil(end / width) });
      const bytes = await encodeFloats(values, dtype, name, kernels);
      return bytes.slice(start - from * width, end - from * width);
    },
    async close() {},
  };
}

/** The dtype in which most bytes of a checkpoint's floats are stored, those that are decoded apart; F16 where there are none. */
export function dtypeOfFloats({ tensors }: Checkpoint): FloatDtype {
  const bytes = new Map<FloatDtype, number>();
  for (const { dtype, byteLength, decoded } of tensors.values())
    if (decoded !== true && isFloatDtype(dtype)) bytes.set(dtype, (bytes.get(dtype) ?? 0) + byteLength);
  return [...bytes].sort(([, a], [, b]) => b - a).at(0)?.[0] ?? 'F16';
}
