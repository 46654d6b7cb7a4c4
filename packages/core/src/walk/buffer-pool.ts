import type { Kernels } from '@compress/kernels';

/**
 * Kernels whose arrays are used again: the forward pass of a batch makes and forgets tens of megabytes, hundreds of times a section, and
 * shared memory comes back late from the garbage collector.
 */
export interface BufferPool {
  /** Outside {@link run}, arrays come from the kernels underneath and are nobody's business. */
  readonly kernels: Kernels;
  /** Runs `work`; afterwards every array that it made is taken back, and must be kept nowhere. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Arrays below this are left to the garbage collector. */
const POOLED_BYTES = 2 ** 14;

/** A pool over `kernels`, empty at first; as many bytes as one call of `run` ever took may lie idle in it. */
export function createBufferPool(kernels: Kernels): BufferPool {
  /** Longest idle first. */
  const idle: ArrayBufferLike[] = [];
  const busy: ArrayBufferLike[] = [];
  let running = false;
  let idleBytes = 0;
  /** Most bytes that one call of `run` took: as many may lie idle. */
  let most = 0;
  let taken = 0;

  /** The first `bytes` of it are zero, if `zeroed`. */
  function take(bytes: number, zeroed: boolean): ArrayBufferLike {
    const size = sizeClass(bytes);
    const at = idle.findLastIndex((candidate) => candidate.byteLength === size);
    const buffer = at < 0 ? kernels.uint8(size).buffer : idle.splice(at, 1)[0];
    if (at >= 0) {
      idleBytes -= size;
      // V8 fills shared memory element by element: by floats it takes a quarter of the time.
      if (zeroed) new Float32Array(buffer, 0, Math.ceil(bytes / 4)).fill(0);
    }
    busy.push(buffer);
    taken += size;
    return buffer;
  }

  function takeBack(): void {
    most = Math.max(most, taken);
    idle.push(...busy.splice(0));
    idleBytes += taken;
    taken = 0;
    while (idleBytes > most) idleBytes -= idle.shift()!.byteLength;
  }

  const floats = (length: number, zeroed: boolean) =>
    running && 4 * length >= POOLED_BYTES
      ? new Float32Array(take(4 * length, zeroed), 0, length)
      : kernels.float32(length);
  return {
    kernels: {
      ...kernels,
      float32: (length) => floats(length, true),
      uint8: (length) =>
        running && length >= POOLED_BYTES ? new Uint8Array(take(length, true), 0, length) : kernels.uint8(length),
      matrix: (rows, columns) => ({ rows, columns, data: floats(rows * columns, true) }),
      scratch: (rows, columns) => ({ rows, columns, data: floats(rows * columns, false) }),
    },
    async run(work) {
      running = true;
      try {
        return await work();
      } finally {
        running = false;
        takeBack();
      }
    },
  };
}

/** Sizes in steps of an eighth of a power of two, so that sites which few tokens reach (experts) find one another's arrays. */
function sizeClass(bytes: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
