import type { WrittenFile } from '../checkpoint/atomic-file.ts';
import type { TensorSource } from '../checkpoint/checkpoint.ts';
import type { Model } from '../model/model.ts';

/** How weights lie in a folder where they are no safetensors at its top: with a graph of operators that runs them, for readers that know no architectures. */
export interface Packaging {
  /** Why the model's forward pass cannot be written, a whole sentence; undefined if it can. From its description alone. */
  limit(model: Model): string | undefined;
  /** Keys of config.json, beside `quantization_config`, that readers look for. */
  settings(configuration: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /**
   * Writes all tensors and what runs them into an empty folder, each file under a temporary name until it is whole; returns their names relative to the
   * folder, with `/`. `bytes` of each tensor is called once, one at a time. Throws `CompressError` as `writeCheckpoint` does.
   */
  write(p: {
    readonly folder: string;
    readonly model: Model;
    readonly tensors: readonly TensorSource[];
    readonly configuration: Readonly<Record<string, unknown>>;
  }): Promise<readonly WrittenFile[]>;
}
