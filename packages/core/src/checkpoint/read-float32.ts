import type { Kernels } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import type { Checkpoint, Range } from './checkpoint.ts';
import { DTYPE_BITS, type Dtype } from './dtype.ts';
import { checkRange, findTensor } from './find-tensor.ts';
import { FLOAT8_E4M3, FLOAT8_E5M2 } from './float8.ts';

/** Bytes of the file held beside the result at one time. */
const PIECE_BYTES = 16 << 20;

/**
 * A float tensor, or elements [range.start, range.end) of it in row-major order, as f32 in an array of `kernels.float32`. F64 is rounded
 * to f32, everything else is exact. Throws `CompressError` `dtype-not-float` for dtypes other than F64, F32, F16, BF16, F8_E4M3 and
 * F8_E5M2, and those of {@link Checkpoint.read}.
 */
export async function readFloat32(
  checkpoint: Checkpoint,
  name: string,
  kernels: Kernels,
  range?: Range,
): Promise<Float32Array> {
  const { dtype, shape } = findTensor(checkpoint, name);
  const convert = converter(dtype, kernels);
  if (convert === undefined) {
    throw new CompressError('dtype-not-float', `A tensor of ${dtype} cannot be read as numbers.`, {
      file: checkpoint.location,
      tensor: name,
    });
  }
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const { start, end } = checkRange(range, elements, checkpoint.location, name);
  const output = kernels.float32(end - start);
  const width = DTYPE_BITS[dtype] / 8;
  const step = PIECE_BYTES / width;
  for (let from = start; from < end; from += step) {
    const to = Math.min(end, from + step);
    const bytes = await checkpoint.read(name, { start: from * width, end: to * width });
    await convert(bytes, output.subarray(from - start, to - start));
  }
  return output;
}

type Converter = (bytes: Uint8Array, output: Float32Array) => Promise<void> | void;

function converter(dtype: Dtype, kernels: Kernels): Converter | undefined {
  switch (dtype) {
    case 'F16':
      return (bytes, output) => kernels.decode({ bytes, type: 'f16', output });
    case 'BF16':
      return (bytes, output) => kernels.decode({ bytes, type: 'bf16', output });
    case 'F32':
      // Through bytes: a NaN keeps its payload, and the source may lie at any alignment.
      return (bytes, output) => new Uint8Array(output.buffer, output.byteOffset, output.byteLength).set(bytes);
    case 'F64':
      return (bytes, output) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        for (let i = 0; i < output.length; i++) output[i] = view.getFloat64(8 * i, true);
      };
    case 'F8_E4M3':
      return lookUp(FLOAT8_E4M3);
    case 'F8_E5M2':
      return lookUp(FLOAT8_E5M2);
    default:
      return undefined;
  }
}

function lookUp(values: Float32Array): Converter {
  return (bytes, output) => {
    for (let i = 0; i < output.length; i++) output[i] = values[bytes[i]];
  };
}
