import { CompressError } from '../errors.ts';
import type { TensorSource } from './checkpoint.ts';

/** The bytes of a tensor as they come. Throws `CompressError` `tensor-size` if they are not as many as it announced. */
export async function* tensorPieces(
  { name, byteLength, bytes }: Pick<TensorSource, 'name' | 'byteLength' | 'bytes'>,
  file: string,
): AsyncGenerator<Uint8Array> {
  const source = bytes();
  let came = 0;
  for await (const piece of source instanceof Promise ? [await source] : source) {
    came += piece.byteLength;
    yield piece;
  }
  if (came === byteLength) return;
  throw new CompressError('tensor-size', `${byteLength} bytes were announced, but ${came} came.`, {
    file,
    tensor: name,
  });
}
