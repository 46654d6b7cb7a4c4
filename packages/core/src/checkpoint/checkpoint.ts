import type { Inference } from '../inference/inference.ts';
import type { ModuleReader } from '../inference/module-inference.ts';
import type { Dtype } from './dtype.ts';

/** What a header says of a tensor. */
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
  /** Of a decoded tensor: bytes that its codes, scales and zero points take on disk. */
  readonly codedBytes?: number;
  /** Another tensor of the file that is this one to the last byte, stored once for both (PyTorch's shared storages). */
  readonly sharedWith?: string;
}

/** A half-open range [start, end). */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Named tensors on disk, read lazily by range. */
export interface Checkpoint {
  /** In the order of the files; iteration order is stable. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The folder or file, for messages. */
  readonly location: string;
  /** Paths of all files that hold tensors or say where they are (the index) or how they are run: what a manifest hashes. Empty for one in memory. */
  readonly files: readonly string[];
  /** What the model's forward pass does beside the ordinary one; absent: nothing. */
  readonly inference?: Inference;
  /** The same as the checkpoint's own format tells it, module by module; what {@link inference} says of a site or of a cache goes before. */
  readonly modules?: ModuleReader;
  /**
   * The raw little-endian bytes of a tensor, or of the range [start, end) of them, in an array of its own. Throws `CompressError`
   * `tensor-missing`, `range-invalid`, `file-changed` (the file is no longer as long as it was when it was opened).
   */
  read(name: string, range?: Range): Promise<Uint8Array>;
  /** Closes its files. */
  close(): Promise<void>;
}

/** A tensor on its way to disk. `bytes` may be produced late so that only one tensor is in memory at a time. */
export interface TensorSource extends TensorInfo {
  /** All of them, whole or in pieces, little-endian. Called once. */
  bytes(): Promise<Uint8Array> | AsyncIterable<Uint8Array>;
}
