import { expect, test } from 'vitest';
import { createAcquaintances, createLedger } from './ledger.ts';

test('a worker reads what was entered, and is told of each shared buffer once', () => {
  const enter = createLedger(() => {});
  const worker = createAcquaintances();
  const shared = new SharedArrayBuffer(64);
  const params = {
    matrix: { rows: 2, columns: 3, data: new Float32Array(shared, 8, 6).fill(5) },
    list: [{ codes: new Uint8Array(shared, 40, 4) }, { codes: new Uint8Array([1, 2]) }],
    accumulate: true,
    absent: undefined,
  };
  for (const introduced of [1, 0]) {
    const entered = structuredClone(enter(params));
    expect(entered.introduced).toHaveLength(introduced);
    worker.meet(entered.introduced);
    const read = worker.read(entered.params) as typeof params;
    expect(read).toEqual(params);
    read.matrix.data[0]++;
    read.list[0].codes[3]++;
  }
  expect([...params.matrix.data]).toEqual([7, 5, 5, 5, 5, 5]);
  expect([...params.list[0].codes]).toEqual([0, 0, 0, 2]);
});
