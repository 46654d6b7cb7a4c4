import { expect, test } from 'vitest';
import { createBufferHandles, createHeldBuffers } from './buffer-handles.ts';

test('a worker decodes what was encoded; a shared buffer gets a handle once it has come often', () => {
  const encode = createBufferHandles(() => {});
  const worker = createHeldBuffers();
  const introduced: number[] = [];
  const shared = new SharedArrayBuffer(64);
  const params = {
    matrix: { rows: 2, columns: 3, data: new Float32Array(shared, 8, 6).fill(5) },
    list: [{ codes: new Uint8Array(shared, 40, 4) }, { codes: new Uint8Array([1, 2]) }],
    accumulate: true,
    absent: undefined,
  };
  for (let job = 1; job <= 70; job++) {
    const encoded = structuredClone(encode(params));
    introduced.push(...encoded.buffers.map(() => job));
    worker.hold(encoded.buffers);
    const read = worker.decode(encoded.params) as typeof params;
    expect(read).toEqual(params);
    read.matrix.data[0]++;
    read.list[0].codes[3]++;
  }
  // It counts uses: the matrix and the codes are two a job.
  expect(introduced).toEqual([33]);
  expect([...params.matrix.data]).toEqual([75, 5, 5, 5, 5, 5]);
  expect([...params.list[0].codes]).toEqual([0, 0, 0, 70]);
});
