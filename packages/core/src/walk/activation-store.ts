import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Kernels, Matrix } from '@compress/kernels';

/** What the walk keeps between two sites. */
export type Activation = Matrix | Uint32Array;

/**
 * Activations by key, in memory up to a limit and in one file beyond it; the same bits either way. What is in memory is handed out as
 * it is, not copied: whoever changes it puts it again.
 */
export interface ActivationStore {
  /** Keeps `value` under `key`, in place of what was there. */
  put(key: string, value: Activation): Promise<void>;
  /** Throws a `TypeError` if nothing is there. */
  get(key: string): Promise<Activation>;
  delete(key: string): void;
  /** The arrays that lie in memory. */
  inMemory(): Iterable<Float32Array | Uint32Array>;
  /** Most bytes that lay in memory and in the file at one time. */
  readonly peak: { readonly memory: number; readonly spilled: number };
  /** Forgets everything and deletes the file. */
  close(): Promise<void>;
}

type Entry =
  | { readonly kind: 'memory'; readonly value: Activation; readonly bytes: number }
  | {
      readonly kind: 'file';
      readonly position: number;
      readonly bytes: number;
      readonly shape: readonly [rows: number, columns: number] | undefined;
    };

/** `file` is made when the first activation exceeds `limit` bytes, and overwritten if a killed run left one. */
export function createActivationStore(p: { file: string; limit: number; kernels: Kernels }): ActivationStore {
  const entries = new Map<string, Entry>();
  /** Places in the file that deleted entries left, by their length: activations come in few sizes. */
  const holes = new Map<number, number[]>();
  const peak = { memory: 0, spilled: 0 };
  let memory = 0;
  let fileEnd = 0;
  let handle: FileHandle | undefined;

  function remove(key: string): void {
    const entry = entries.get(key);
    if (entry?.kind === 'memory') memory -= entry.bytes;
    if (entry?.kind === 'file') holes.set(entry.bytes, [...(holes.get(entry.bytes) ?? []), entry.position]);
    entries.delete(key);
  }

  return {
    peak,
    async put(key, value) {
      remove(key);
      const bytes = bytesOf(value);
      if (memory + bytes.byteLength <= p.limit) {
        memory += bytes.byteLength;
        peak.memory = Math.max(peak.memory, memory);
        entries.set(key, { kind: 'memory', value, bytes: bytes.byteLength });
        return;
      }
      handle ??= await open(p.file, 'w+');
      let position = holes.get(bytes.byteLength)?.pop();
      if (position === undefined) {
        position = fileEnd;
        fileEnd += bytes.byteLength;
        peak.spilled = Math.max(peak.spilled, fileEnd);
      }
      await transfer(bytes, position, (part, at) => handle!.write(part, 0, part.byteLength, at));
      const shape = value instanceof Uint32Array ? undefined : ([value.rows, value.columns] as const);
      entries.set(key, { kind: 'file', position, bytes: bytes.byteLength, shape });
    },
    async get(key) {
      const entry = entries.get(key);
      if (!entry) throw new TypeError(`no activation is kept under ${key}`);
      if (entry.kind === 'memory') return entry.value;
      const value = entry.shape ? p.kernels.matrix(...entry.shape) : new Uint32Array(entry.bytes / 4);
      await transfer(bytesOf(value), entry.position, (part, at) => handle!.read(part, 0, part.byteLength, at));
      return value;
    },
    delete: remove,
    *inMemory() {
      for (const entry of entries.values())
        if (entry.kind === 'memory') yield entry.value instanceof Uint32Array ? entry.value : entry.value.data;
    },
    async close() {
      entries.clear();
      holes.clear();
      await handle?.close();
      handle = undefined;
      await rm(p.file, { force: true });
    },
  };
}

function bytesOf(value: Activation): Uint8Array {
  const { buffer, byteOffset, byteLength } = value instanceof Uint32Array ? value : value.data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A read or a write may move fewer bytes than it was asked to (at most 2 GiB on Linux). */
async function transfer(
  bytes: Uint8Array,
  position: number,
  move: (part: Uint8Array, position: number) => Promise<{ bytesRead?: number; bytesWritten?: number }>,
): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const part = bytes.subarray(done, Math.min(done + 2 ** 30, bytes.byteLength));
    const moved = await move(part, position + done);
    const count = moved.bytesWritten ?? moved.bytesRead ?? 0;
    if (count === 0) throw new Error('the file of spilled activations is shorter than what was written to it');
    done += count;
  }
}
