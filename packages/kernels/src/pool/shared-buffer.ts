/** Smaller buffers are not worth a second object. */
const ACCOUNTED_BYTES = 2 ** 16;

/**
 * One byte in so many is accounted for. With all of them a collection came after every few products and took a third of the time of a
 * small model; with one in four it is a tenth, and no more than some 250 MB wait to be collected.
 */
const ACCOUNTED_SHARE = 4;

const accounts = new WeakMap<SharedArrayBuffer, ArrayBuffer>();

/** Zeroed memory that all threads see, and that the garbage collector of this one knows the size of: see {@link accountFor}. */
export function sharedBuffer(bytes: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(bytes);
  accountFor(buffer);
  return buffer;
}

/**
 * Engines count the bytes of a SharedArrayBuffer for none of the threads that hold it (V8: `PerIsolateAccountingLength` is 0), so nothing
 * tells a thread's garbage collector that gigabytes hang on a few small objects, and memory is returned when the process ends. An
 * ordinary buffer, which is never touched and so costs address space alone, is counted: it lives and dies with
 * the shared one. Every thread that holds the buffer does this for itself.
 */
export function accountFor(buffer: SharedArrayBuffer): void {
  if (buffer.byteLength >= ACCOUNTED_BYTES) accounts.set(buffer, new ArrayBuffer(buffer.byteLength / ACCOUNTED_SHARE));
}
