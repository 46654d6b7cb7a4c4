import type { Bytes } from '../wasm/instance.ts';
import { mapFields } from './map-fields.ts';
import { accountFor } from './shared-buffer.ts';

/** A view of a shared buffer, as a message names it. */
interface Entry {
  /** The number under which the workers have the buffer. */
  readonly shared: number;
  readonly type: ViewType;
  readonly offset: number;
  readonly length: number;
}

const views = { Float32Array, Float64Array, Int8Array, Uint8Array, Uint32Array };
type ViewType = keyof typeof views;

/**
 * Uses after which a buffer gets a number. Most are used for a few and dropped, and what a worker knows by number it holds until its collector
 * has run, some time after the collector on the other side has: with all of them numbered, a model took 200 MB more.
 */
const RECURRING = 64;

/** The parameters of an operation, with an {@link Entry} in place of every view of a numbered buffer. */
export interface Entered {
  readonly params: unknown;
  /** Buffers that the workers have not met before, with their numbers. */
  readonly introduced: readonly (readonly [number, SharedArrayBuffer])[];
}

/**
 * Gives shared buffers that come again and again a number, so that they are not sent with every job. A shared buffer that arrives in a message
 * becomes a new object there, of whose size the collector must be told; for large buffers and each job anew, that was a collection every few jobs.
 * `forget` is called when a buffer is gone on this side.
 */
export function createLedger(forget: (number: number) => void): (params: unknown) => Entered {
  const numbers = new WeakMap<SharedArrayBuffer, number>();
  const uses = new WeakMap<SharedArrayBuffer, number>();
  const registry = new FinalizationRegistry(forget);
  let last = 0;

  return (params) => {
    const introduced: [number, SharedArrayBuffer][] = [];
    const numberOf = (buffer: SharedArrayBuffer): number | undefined => {
      const known = numbers.get(buffer);
      if (known !== undefined) return known;
      const used = (uses.get(buffer) ?? 0) + 1;
      uses.set(buffer, used);
      if (used <= RECURRING) return undefined;
      const number = ++last;
      numbers.set(buffer, number);
      registry.register(buffer, number);
      introduced.push([number, buffer]);
      return number;
    };
    const visit = (value: unknown): unknown => {
      if (value === null || typeof value !== 'object') return value;
      if (!ArrayBuffer.isView(value)) return mapFields(value, visit);
      const view = value as Bytes;
      const { buffer, byteOffset, length } = view;
      if (!(buffer instanceof SharedArrayBuffer)) return value;
      const shared = numberOf(buffer);
      return shared === undefined ? view : { shared, type: view.constructor.name, offset: byteOffset, length };
    };
    return { params: visit(params), introduced };
  };
}

/** A worker's side of the ledger. */
export interface Acquaintances {
  meet(introduced: Entered['introduced']): void;
  /** The parameters that were entered, with views of this thread's own. */
  read(params: unknown): unknown;
  forget(number: number): void;
}

/** A ledger's other side, with no buffers yet. */
export function createAcquaintances(): Acquaintances {
  const buffers = new Map<number, SharedArrayBuffer>();
  const read = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value;
    if (ArrayBuffer.isView(value)) {
      if (value.buffer instanceof SharedArrayBuffer) accountFor(value.buffer);
      return value;
    }
    if (!isEntry(value)) return mapFields(value, read);
    const View = views[value.type] as new (buffer: ArrayBufferLike, offset: number, length: number) => Bytes;
    return new View(buffers.get(value.shared)!, value.offset, value.length);
  };
  return {
    meet(introduced) {
      for (const [number, buffer] of introduced) {
        accountFor(buffer);
        buffers.set(number, buffer);
      }
    },
    read,
    forget: (number) => void buffers.delete(number),
  };
}

const isEntry = (value: object): value is Entry => 'shared' in value && 'type' in value;
