import { expect, test } from 'vitest';
import { createAcquaintances, createLedger } from './ledger.ts';

test('a worker reads what was entered; a shared buffer gets a number once it has come often', () => {
  const enter = createLedger(() => {});
  const worker = createAcquaintances();
  const introduced: number[] = [];
  const shared = new SharedArrayBuffer(64);
  const params = {
    matrix: { rows: 2, columns: 3, data: new Float32Array(shared, 8, 6).fill(5) },
    list: [{ codes: new Uint8Array(shared, 40, 4) }, { codes: new Uint8Array([1, 2]) }],
    accumulate: true,
    absent: undefined,
  };
  for (let job = 1; job <= 70; job++) {
    const entered = structuredClone(enter(params));
    introduced.push(...entered.introduced.map(() => job));
    worker.meet(entered.introduced);
    const read = worker.read(entered.params) as typeof params;
    expect(read).toEqual(params);
    read.matrix.data[0]++;
    read.list[0].codes[3]++;
  }
  // It counts uses: the matrix and the codes are two a job.
  expect(introduced).toEqual([33]);
  expect([...params.matrix.data]).toEqual([75, 5, 5, 5, 5, 5]);
  expect([...params.list[0].codes]).toEqual([0, 0, 0, 70]);
});
