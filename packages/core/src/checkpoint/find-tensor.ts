import { CompressError } from '../errors.ts';
import type { Checkpoint, Range, TensorInfo } from './checkpoint.ts';

/** The tensor of that name. Throws `CompressError` `tensor-missing`. */
export function findTensor<T extends TensorInfo>(
  checkpoint: Pick<Checkpoint, 'location'> & { readonly tensors: ReadonlyMap<string, T> },
  name: string,
): T {
  const tensor = checkpoint.tensors.get(name);
  if (tensor === undefined) {
    throw new CompressError(
      'tensor-missing',
      `There is no such tensor among the ${checkpoint.tensors.size} of this checkpoint.`,
      { file: checkpoint.location, tensor: name },
    );
  }
  return tensor;
}

/** `range`, or all of `[0, length)`. Throws `CompressError` `range-invalid` unless 0 <= start <= end <= length. */
export function checkRange(range: Range | undefined, length: number, location: string, tensor: string): Range {
  if (range === undefined) return { start: 0, end: length };
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start || end > length) {
    throw new CompressError('range-invalid', `The range [${start}, ${end}) is not inside [0, ${length}).`, {
      file: location,
      tensor,
    });
  }
  return range;
}
