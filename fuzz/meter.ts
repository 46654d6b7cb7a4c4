import type * as FileSystem from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';

/** What a reader did that a well-behaved one does not. */
export class Misbehaviour extends Error {}

/** Watches what readers allocate and open. One a thread: it replaces constructors and functions of the whole thread. */
export interface Meter {
  /** Forgets what was, and allows `bytes` in arrays from now on; more throws {@link Misbehaviour} before it is allocated. */
  allow(bytes: number): void;
  /** Paths opened or read since then. */
  opened(): readonly string[];
}

const ARRAYS = [
  ...['ArrayBuffer', 'SharedArrayBuffer', 'Uint8Array', 'Int8Array', 'Uint8ClampedArray', 'Uint16Array', 'Int16Array'],
  ...['Uint32Array', 'Int32Array', 'Float32Array', 'Float64Array', 'BigUint64Array', 'BigInt64Array'],
];

export function createMeter(): Meter {
  let allowed = Number.POSITIVE_INFINITY;
  let paths: string[] = [];

  const count = (bytes: number) => {
    allowed -= bytes;
    if (allowed < 0) throw new Misbehaviour(`It allocates ${bytes} bytes more than the files give reason for.`);
  };
  const scope = globalThis as unknown as Record<string, new (...values: unknown[]) => ArrayBufferView>;
  for (const name of ARRAYS) {
    const original = scope[name];
    const width = (original as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
    const watched: typeof original = new Proxy(original, {
      construct(target, values, newTarget) {
        // A view of a buffer that is there takes nothing.
        const [first] = values;
        if (typeof first === 'number') count(first * width);
        else if (Array.isArray(first) || ArrayBuffer.isView(first)) count((first as { length: number }).length * width);
        return Reflect.construct(target, values, newTarget === watched ? target : newTarget);
      },
    });
    scope[name] = watched;
  }

  const files = createRequire(import.meta.url)('node:fs/promises') as {
    -readonly [K in keyof typeof FileSystem]: (typeof FileSystem)[K];
  };
  for (const name of ['open', 'readFile', 'copyFile'] as const) {
    const original = files[name] as (path: unknown, ...rest: unknown[]) => Promise<unknown>;
    Object.assign(files, {
      [name]: (path: unknown, ...rest: unknown[]) => {
        paths.push(String(path));
        return original(path, ...rest);
      },
    });
  }
  syncBuiltinESMExports();

  return {
    allow(bytes) {
      allowed = bytes;
      paths = [];
    },
    opened: () => paths,
  };
}
