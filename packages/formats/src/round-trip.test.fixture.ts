import type { CodedWeight, Format, QuantizedWeight } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect } from 'vitest';
import { checkpointOf, readFloats, wholeBytes } from './checkpoint-of.test.fixture.ts';
import { linearSpec } from './quantized.test.fixture.ts';

const kernels = createReferenceKernels();

/**
 * Writes a weight that the format must hold and opens it again: one tensor stands for it, its elements are `value(row, column)` bit for bit by any
 * range, its codes come back, and no size is another than foretold. Returns the weight in codes for what else there is to say of it.
 */
export async function roundTrip(
  format: Format,
  quantized: QuantizedWeight,
  value: (r: number, c: number) => number,
  [a, b]: readonly [number, number] = [0, 0],
): Promise<CodedWeight> {
  const { rows, columns, grid, groupSize, scales } = quantized;
  const spec = linearSpec(rows, columns);
  expect(format.limit(spec, grid, groupSize)).toBeUndefined();
  const sources = format.write({ spec, quantized }, 'F16', kernels);
  const written = scales.groups === 1 ? -1 : groupSize;
  const configuration = format.configuration({ grid, groupSize: written, quantized: ['layer'], untouched: [] });
  const checkpoint = await format.open(await checkpointOf(sources), JSON.parse(JSON.stringify(configuration)));

  let codedBytes = 0;
  for (const source of sources) {
    const bytes = await wholeBytes(source);
    expect(bytes.byteLength, source.name).toBe(source.byteLength);
    codedBytes += bytes.byteLength;
  }
  expect(format.size(spec, grid, groupSize, 'F16')).toBe(codedBytes);
  const byteLength = 4 * rows * columns;
  expect([...checkpoint.tensors.values()]).toEqual([
    { name: 'layer.weight', dtype: 'F32', shape: [rows, columns], byteLength, decoded: true, codedBytes },
  ]);

  const weight = await readFloats(checkpoint, 'layer.weight');
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      if (weight[r * columns + c] !== value(r, c))
        expect.fail(`row ${r}, column ${c} is ${weight[r * columns + c]}, not ${value(r, c)}`);
  const [start, end] = [a % (byteLength + 1), b % (byteLength + 1)].sort((x, y) => x - y);
  const part = await checkpoint.read('layer.weight', { start, end });
  expect(Buffer.compare(part, new Uint8Array(weight.buffer).subarray(start, end))).toBe(0);

  const coded = checkpoint.coded.get('layer.weight')!;
  const again = await coded.read();
  expect(Buffer.compare(again.codes, quantized.codes)).toBe(0);
  expect({ rows: again.rows, columns: again.columns, groups: again.scales.groups, group: again.scales.group }).toEqual({
    rows,
    columns,
    groups: scales.groups,
    group: scales.group,
  });
  return coded;
}
