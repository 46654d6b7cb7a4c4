import { expect } from 'vitest';
import { createKernels } from '../create-kernels.ts';
import type { Kernels } from '../kernels.ts';
import { createReferenceKernels } from '../reference/create-reference-kernels.ts';

/** What tests of compiled kernels compare: both numerics modes with the reference, and 1, 2 and 7 threads with each other. */
export async function openFronts() {
  const fma = await createKernels({ threads: 1, numerics: 'fma' });
  const mulAdd = await createKernels({ threads: 1, numerics: 'mul-add' });
  const threaded = [await createKernels({ threads: 2 }), await createKernels({ threads: 7 })];
  return {
    reference: createReferenceKernels(),
    modes: [
      ['fma', fma],
      ['mul-add', mulAdd],
    ] as const,
    /** The same bits from every number of threads. `work` must be large enough to be divided: 100000 elements or so. */
    async expectSameBits(work: (kernels: Kernels) => Promise<readonly ArrayBufferView[]>): Promise<void> {
      const expected = (await work(fma)).map(bytesOf);
      for (const kernels of threaded) {
        const actual = (await work(kernels)).map(bytesOf);
        expect(actual.every((bytes, i) => Buffer.compare(bytes, expected[i]) === 0)).toBe(true);
      }
    },
    async close() {
      await Promise.all([fma, mulAdd, ...threaded].map((kernels) => kernels.close()));
    },
  };
}

const bytesOf = (array: ArrayBufferView) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
