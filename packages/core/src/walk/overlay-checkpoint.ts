import type { Checkpoint, TensorInfo } from '../checkpoint/checkpoint.ts';
import { checkRange, findTensor } from '../checkpoint/find-tensor.ts';

/** A tensor with its bytes at hand. */
export interface MemoryTensor extends TensorInfo {
  readonly data: Uint8Array;
}

/** Tensors that replace others of a checkpoint. */
export interface Replacement {
  /** Names that are no longer there, unless `tensors` has them again. */
  readonly replaced: ReadonlySet<string>;
  readonly tensors: Checkpoint;
}

/** A checkpoint over tensors in memory. */
export function memoryCheckpoint(tensors: readonly MemoryTensor[], location: string): Checkpoint {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return {
    tensors: byName,
    location,
    files: [],
    async read(name, range) {
      const { data, byteLength } = findTensor({ tensors: byName, location }, name);
      const { start, end } = checkRange(range, byteLength, location, name);
      return data.slice(start, end);
    },
    async close() {},
  };
}

/** `base` with some of its tensors replaced. Closing it closes neither. */
export function overlayCheckpoint(base: Checkpoint, { replaced, tensors }: Replacement): Checkpoint {
  const all = new Map([...base.tensors].filter(([name]) => !replaced.has(name)));
  for (const [name, info] of tensors.tensors) all.set(name, info);
  return {
    tensors: all,
    location: base.location,
    ...(base.inference && { inference: base.inference }),
    ...(base.modules && { modules: base.modules }),
    files: [...base.files, ...tensors.files],
    async read(name, range) {
      findTensor({ tensors: all, location: base.location }, name);
      return (tensors.tensors.has(name) ? tensors : base).read(name, range);
    },
    async close() {},
  };
}
