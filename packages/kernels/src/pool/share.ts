import type { Bytes } from '../wasm/instance.ts';
import { mapFields } from './map-fields.ts';
import { sharedBuffer } from './shared-buffer.ts';

/** The parameters of an operation in a form that a message carries without copying, and the way back. */
export interface Shared<P> {
  readonly params: P;
  /** Copies what the operation wrote into the caller's own arrays. */
  copyBack(): void;
}

/** A message carries copies of arrays of so many bytes with less ado than a buffer of their own takes. */
const SMALL_BYTES = 2 ** 14;

/**
 * Replaces every array in `params` that does not lie in a SharedArrayBuffer by a shared copy; the same array is copied once, however
 * often it appears. Small ones that are only read are left to the message.
 */
export function share<P>(params: P, writes: readonly (Bytes | undefined)[]): Shared<P> {
  const copies = new Map<Bytes, Bytes>();
  const stays = (array: Bytes) =>
    array.buffer instanceof SharedArrayBuffer || (array.byteLength <= SMALL_BYTES && !writes.includes(array));
  const visit = (value: unknown): unknown => {
    if (isBytes(value)) return stays(value) ? value : shareArray(value, copies);
    if (value === null || typeof value !== 'object') return value;
    return mapFields(value, visit);
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
