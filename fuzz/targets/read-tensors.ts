import { type Checkpoint, readFloat32 } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';

const kernels = createReferenceKernels();
/** Elements read at each end of a tensor: a whole one is as large as it says, which is no fault. */
const SOME = 64;
/** Tensors read of one checkpoint: enough to meet every kind. */
const MANY = 24;
const FLOATS = ['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'];

/** Reads both ends of tensors, as bytes and as numbers. */
export async function readTensors(checkpoint: Checkpoint): Promise<void> {
  for (const { name, dtype, shape, byteLength } of [...checkpoint.tensors.values()].slice(0, MANY)) {
    await checkpoint.read(name, { start: 0, end: Math.min(SOME, byteLength) });
    await checkpoint.read(name, { start: Math.max(0, byteLength - SOME), end: byteLength });
    if (!FLOATS.includes(dtype)) continue;
    const elements = shape.reduce((product, size) => product * size, 1);
    await readFloat32(checkpoint, name, kernels, { start: 0, end: Math.min(SOME, elements) });
  }
}
