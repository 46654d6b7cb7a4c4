import type { Bytes } from '../wasm/instance.ts';
import { mapFields } from './map-fields.ts';
import { accountFor } from './shared-buffer.ts';

/** A view of a shared buffer that the workers hold, as a message names it. */
interface ViewOfHandle {
  readonly handle: number;
  readonly type: ViewType;
  readonly offset: number;
  readonly length: number;
}

const views = { Float32Array, Float64Array, Int8Array, Uint8Array, Uint32Array };
type ViewType = keyof typeof views;

/**
 * Uses after which a buffer gets a handle. Most are used for a few and dropped, and what a worker holds by a handle it holds until its collector
 * has run, some time after the collector on the other side has: with handles for all of them, a model took 200 MB more.
 */
const RECURRING = 64;

/** The parameters of an operation, with a handle in place of every buffer that has one. */
export interface Encoded {
  readonly params: unknown;
  /** Buffers that the workers do not hold yet, with their handles. */
  readonly buffers: readonly (readonly [handle: number, SharedArrayBuffer])[];
}

/**
 * Gives shared buffers that come again and again a handle, so that they are not sent with every job. A shared buffer that arrives in a message
 * becomes a new object there, of whose size the collector must be told; for large buffers and each job anew, that was a collection every few jobs.
 * `release` is called when a buffer is gone on this side.
 */
export function createBufferHandles(release: (handle: number) => void): (params: unknown) => Encoded {
  const handles = new WeakMap<SharedArrayBuffer, number>();
  const uses = new WeakMap<SharedArrayBuffer, number>();
  const registry = new FinalizationRegistry(release);
  let last = 0;

  return (params) => {
    const buffers: [number, SharedArrayBuffer][] = [];
    const handleOf = (buffer: SharedArrayBuffer): number | undefined => {
      const known = handles.get(buffer);
      if (known !== undefined) return known;
      const used = (uses.get(buffer) ?? 0) + 1;
      uses.set(buffer, used);
      if (used <= RECURRING) return undefined;
      const handle = ++last;
      handles.set(buffer, handle);
      registry.register(buffer, handle);
      buffers.push([handle, buffer]);
      return handle;
    };
    const visit = (value: unknown): unknown => {
      if (value === null || typeof value !== 'object') return value;
      if (!ArrayBuffer.isView(value)) return mapFields(value, visit);
      const view = value as Bytes;
      const { buffer, byteOffset, length } = view;
      const handle = buffer instanceof SharedArrayBuffer ? handleOf(buffer) : undefined;
      return handle === undefined ? view : { handle, type: view.constructor.name, offset: byteOffset, length };
    };
    return { params: visit(params), buffers };
  };
}

/** What a worker holds. */
export interface HeldBuffers {
  hold(buffers: Encoded['buffers']): void;
  /** The parameters that were encoded, with views of this thread's own. */
  decode(params: unknown): unknown;
  release(handle: number): void;
}

/** The worker's side of {@link createBufferHandles}; it holds nothing yet. */
export function createHeldBuffers(): HeldBuffers {
  const held = new Map<number, SharedArrayBuffer>();
  const decode = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value;
    if (ArrayBuffer.isView(value)) {
      if (value.buffer instanceof SharedArrayBuffer) accountFor(value.buffer);
      return value;
    }
    if (!isViewOfHandle(value)) return mapFields(value, decode);
    const View = views[value.type] as new (buffer: ArrayBufferLike, offset: number, length: number) => Bytes;
    return new View(held.get(value.handle)!, value.offset, value.length);
  };
  return {
    hold(buffers) {
      for (const [handle, buffer] of buffers) {
        accountFor(buffer);
        held.set(handle, buffer);
      }
    },
    decode,
    release: (handle) => void held.delete(handle),
  };
}

const isViewOfHandle = (value: object): value is ViewOfHandle => 'handle' in value && 'type' in value;
