import type { Dtype } from './dtype.ts';

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** Row-major; `[]` is a scalar; dimensions may be 0. */
  readonly shape: readonly number[];
  readonly byteLength: number;
  /**
   * Set by a format's `open`: the tensor is a quantized Linear's weight, decoded on reading, and it lies `[out, in]` even where the
   * architecture stores `[in, out]`.
   */
  readonly decoded?: boolean;
}

/** Named tensors on disk, read lazily by range. */
export interface Checkpoint {
  /** In the order of the files; iteration order is stable. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The folder or file, for messages. */
  readonly location: string;
  /** The raw little-endian bytes of a tensor, or of the range [start, end) of them. Throws `CompressError` `tensor-missing`. */
  read(name: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A tensor on its way to disk. `bytes` may be produced late so that only one tensor is in memory at a time. */
export interface TensorSource extends TensorInfo {
  bytes(): Promise<Uint8Array> | AsyncIterable<Uint8Array>;
}
