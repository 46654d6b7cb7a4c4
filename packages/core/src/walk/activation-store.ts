import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Kernels, Matrix } from '@compress/kernels';

/** What the walk keeps between two sites. */
export type Activation = Matrix | Uint32Array;

/**
 * Activations by key, in memory up to a limit and in one file beyond it; the same bits either way. A key's place in memory stays its own
 * when the activation is gone: every section asks for the same ones, and places that never move leave no holes between them.
 */
export interface ActivationStore {
  /**
   * Copies `value`, in place of what was there. Free of cost for what {@link get} handed out, changed or not, if it lies in memory. A new
   * place is at least `capacity` bytes long: the most that will ever be put there.
   */
  put(key: string, value: Activation, capacity?: number): Promise<void>;
  /** Valid until something else is put under the key. Throws a `TypeError` if nothing is there. */
  get(key: string): Promise<Activation>;
  delete(key: string): void;
  /** Most bytes that lay in memory and in the file at one time. */
  readonly peak: { readonly memory: number; readonly spilled: number };
  /** Forgets everything and deletes the file. */
  close(): Promise<void>;
}

/** Where an activation lies. */
type Place =
  | { readonly kind: 'memory'; readonly buffer: ArrayBufferLike; readonly offset: number; readonly capacity: number }
  | { readonly kind: 'file'; readonly position: number; readonly capacity: number };

/** Rows and columns of a matrix, or the length of an array. */
type Shape = readonly [number, number] | readonly [number];

/**
 * Memory is taken in pieces of this size: C libraries give such a piece pages of its own, which count only once they are touched, while
 * pieces below 32 MB lie among short-lived arrays and leave holes (measured: 760 instead of 910 MB of resident memory).
 */
const SLAB_BYTES = 256 * 2 ** 20;

/**
 * `file` is made when the first activation exceeds `limit` bytes, and overwritten if a killed run left one. What lies in memory is made by
 * `kernels`, what is read from the file by `reading`.
 */
export function createActivationStore(p: {
  file: string;
  limit: number;
  kernels: Kernels;
  reading: Kernels;
}): ActivationStore {
  const places = new Map<string, Place>();
  const shapes = new Map<string, Shape>();
  const peak = { memory: 0, spilled: 0 };
  let memory = 0;
  let handle: FileHandle | undefined;

  let slab: ArrayBufferLike = new ArrayBuffer(0);
  let slabEnd = 0;

  function fromSlab(bytes: number): { buffer: ArrayBufferLike; offset: number } {
    // Views of f32 start at multiples of 4, and lines of the cache at multiples of 64.
    const offset = Math.ceil(slabEnd / 64) * 64;
    if (offset + bytes > slab.byteLength) {
      slab = p.kernels.uint8(Math.max(bytes, Math.min(SLAB_BYTES, p.limit))).buffer;
      slabEnd = bytes;
      return { buffer: slab, offset: 0 };
    }
    slabEnd = offset + bytes;
    return { buffer: slab, offset };
  }

  /** The key's place, or a new one where it has none or a smaller one. */
  function placeFor(key: string, bytes: number, capacity: number): Place {
    const old = places.get(key);
    if (old !== undefined && old.capacity >= bytes) return old;
    if (old?.kind === 'memory') memory -= old.capacity;
    let place: Place;
    if (memory + capacity <= p.limit) {
      memory += capacity;
      peak.memory = Math.max(peak.memory, memory);
      place = { kind: 'memory', ...fromSlab(capacity), capacity };
    } else {
      place = { kind: 'file', position: peak.spilled, capacity };
      peak.spilled += capacity;
    }
    places.set(key, place);
    return place;
  }

  return {
    peak,
    async put(key, value, capacity = 0) {
      const bytes = bytesOf(value);
      const place = placeFor(key, bytes.byteLength, Math.max(bytes.byteLength, capacity));
      shapes.set(key, value instanceof Uint32Array ? [value.length] : [value.rows, value.columns]);
      if (place.kind === 'memory') {
        const { buffer, offset } = place;
        if (bytes.buffer !== buffer || bytes.byteOffset !== offset) new Uint8Array(buffer, offset).set(bytes);
        return;
      }
      handle ??= await open(p.file, 'w+');
      await transfer(bytes, place.position, (part, at) => handle!.write(part, 0, part.byteLength, at));
    },
    async get(key) {
      const shape = shapes.get(key);
      const place = places.get(key);
      if (!shape || !place) throw new TypeError(`no activation is kept under ${key}`);
      if (place.kind === 'memory') return activation(shape, place.buffer, place.offset);
      const [rows, columns] = shape;
      const value = columns === undefined ? new Uint32Array(rows) : p.reading.matrix(rows, columns);
      await transfer(bytesOf(value), place.position, (part, at) => handle!.read(part, 0, part.byteLength, at));
      return value;
    },
    delete: (key) => void shapes.delete(key),
    async close() {
      places.clear();
      shapes.clear();
      await handle?.close();
      handle = undefined;
      await rm(p.file, { force: true });
    },
  };
}

function activation([rows, columns]: Shape, buffer: ArrayBufferLike, offset: number): Activation {
  if (columns === undefined) return new Uint32Array(buffer, offset, rows) as Uint32Array<ArrayBuffer>;
  return { rows, columns, data: new Float32Array(buffer, offset, rows * columns) };
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
