import { decodeHalf } from '@compress/kernels';

/** Writes the numbers of the block that begins at `bytes[at]` to `output` from `to`. Pure, and bit for bit what ggml computes. */
export type BlockDecoder = (bytes: Uint8Array, at: number, output: Float32Array, to: number) => void;

/** The f16 at `bytes[at]`. */
export function halfAt(bytes: Uint8Array, at: number): number {
  return decodeHalf(bytes[at] | (bytes[at + 1] << 8), 'f16');
}
