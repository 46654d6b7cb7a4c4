import type { Exports } from './exports.ts';
import { type WasmModule, WebAssembly } from './web-assembly.ts';

/** Anything that lies in an array buffer and can be staged. */
export type Bytes = Float32Array | Float64Array | Int8Array | Uint8Array | Uint32Array;

/**
 * One thread's WASM module with its own memory. Tensors stay in ordinary buffers of any size; an operation takes windows of this
 * memory, copies a tile of its operands into them, calls the compiled functions and copies the results back. The memory grows to the
 * largest set of windows ever taken at once and is reused from run to run.
 */
export interface Instance {
  readonly wasm: Exports;
  /** Takes a window of `bytes` (not zeroed, aligned to 64) until {@link release} or the end of the run; returns its address. */
  take(bytes: number): number;
  /** The address to which {@link release} can return: frees every window taken since. */
  mark(): number;
  release(mark: number): void;
  /** Copies an array to `address`. */
  write(address: number, array: Bytes): void;
  /** Fills an array from `address`. */
  read(address: number, array: Bytes): void;
  /** Zeroes `bytes` bytes. */
  clear(address: number, bytes: number): void;
}

const PAGE = 65536;
const ALIGNMENT = 64;

/** Instantiates a compiled build with a fresh memory. */
export async function instantiate(module: WasmModule): Promise<Instance> {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  const abort = () => {
    throw new Error('a kernel aborted');
  };
  const instance = await WebAssembly.instantiate(module, { env: { memory, abort } });
  const wasm = instance.exports as unknown as Exports;
  let next = align(wasm.heapBase());

  // Growing detaches the buffer, so the views are made again.
  let bytes = new Uint8Array(memory.buffer);
  let floats = new Float32Array(memory.buffer);

  return {
    wasm,
    take(size) {
      const address = next;
      next = align(next + size);
      if (next > bytes.length) {
        memory.grow(Math.ceil((next - bytes.length) / PAGE));
        bytes = new Uint8Array(memory.buffer);
        floats = new Float32Array(memory.buffer);
      }
      return address;
    },
    mark: () => next,
    release(mark) {
      next = mark;
    },
    write(address, array) {
      if (array instanceof Float32Array) floats.set(array, address / 4);
      else bytes.set(asBytes(array), address);
    },
    read(address, array) {
      if (array instanceof Float32Array) array.set(floats.subarray(address / 4, address / 4 + array.length));
      else asBytes(array).set(bytes.subarray(address, address + array.byteLength));
    },
    clear(address, size) {
      bytes.fill(0, address, address + size);
    },
  };
}

const align = (address: number) => Math.ceil(address / ALIGNMENT) * ALIGNMENT;

const asBytes = (array: Bytes) =>
  array instanceof Uint8Array ? array : new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
