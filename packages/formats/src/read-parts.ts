import type { Checkpoint, TensorInfo } from '@compress/core';
import { decodeHalf } from '@compress/kernels';

/** Little-endian 32-bit words, at an alignment of their own. */
export async function readWords(checkpoint: Checkpoint, info: TensorInfo): Promise<Uint32Array> {
  const bytes = await checkpoint.read(info.name);
  return bytes.byteOffset % 4 === 0
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    : new Uint32Array(bytes.slice().buffer);
}

/** What a grid calls the type of these scales, which are F16, BF16 or F32. */
export function scaleTypeOf({ dtype }: TensorInfo): 'f16' | 'bf16' | 'f32' {
  return dtype === 'F16' ? 'f16' : dtype === 'BF16' ? 'bf16' : 'f32';
}

/** Scales of any dtype that they are stored in (F16, BF16, F32) as f32. */
export async function readScales(checkpoint: Checkpoint, info: TensorInfo): Promise<Float32Array> {
  const bytes = await checkpoint.read(info.name);
  if (info.dtype === 'F32') return new Float32Array(bytes.slice().buffer);
  const type = info.dtype === 'F16' ? 'f16' : 'bf16';
  const halves = new Uint16Array(bytes.slice().buffer);
  return Float32Array.from(halves, (half) => decodeHalf(half, type));
}
