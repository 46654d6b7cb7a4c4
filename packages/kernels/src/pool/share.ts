import type { Bytes } from '../wasm/instance.ts';
import { accountFor, sharedBuffer } from './shared-buffer.ts';

/** The parameters of an operation in a form that a message carries without copying, and the way back. */
export interface Shared<P> {
  readonly params: P;
  /** Copies what the operation wrote into the caller's own arrays. */
  copyBack(): void;
}

/**
 * Replaces every array in `params` that does not lie in a SharedArrayBuffer by a shared copy; the same array is copied once, however
 * often it appears.
 */
export function share<P>(params: P, writes: readonly (Bytes | undefined)[]): Shared<P> {
  const copies = new Map<Bytes, Bytes>();
  const visit = (value: unknown): unknown => {
    if (isBytes(value)) return value.buffer instanceof SharedArrayBuffer ? value : shareArray(value, copies);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, visit(field)]));
  };
  return {
    params: visit(params) as P,
    copyBack() {
      for (const array of writes) {
        const copy = array && copies.get(array);
        if (copy) array.set(copy);
      }
    },
  };
}

/** In a worker: tells its garbage collector of the shared memory that came with a job. */
export function accountForShared(params: unknown): void {
  if (isBytes(params)) {
    if (params.buffer instanceof SharedArrayBuffer) accountFor(params.buffer);
  } else if (params !== null && typeof params === 'object') {
    for (const field of Object.values(params)) accountForShared(field);
  }
}

function shareArray(array: Bytes, copies: Map<Bytes, Bytes>): Bytes {
  let copy = copies.get(array);
  if (!copy) {
    const Type = array.constructor as new (buffer: SharedArrayBuffer) => Bytes;
    copy = new Type(sharedBuffer(array.byteLength));
    copy.set(array);
    copies.set(array, copy);
  }
  return copy;
}

const isBytes = (value: unknown): value is Bytes => ArrayBuffer.isView(value) && !(value instanceof DataView);
