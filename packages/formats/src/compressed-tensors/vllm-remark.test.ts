import { integerGrid, type Treatment } from '@compress/core';
import { expect, it } from 'vitest';
import { linearSpec } from '../quantized.test.fixture.ts';
import { compressedTensors } from './compressed-tensors.ts';

const int8 = { activations: { bits: 8, scale: 'token' } } as const;
it.each<[string, number, number, Treatment, RegExp | undefined]>([
  ['4 bits in groups of 128', 4, 128, {}, undefined],
  ['8 bits, one group a row', 8, 576, {}, undefined],
  ['3 bits', 3, 64, {}, /4 and 8 bits, not 3/],
  ['groups of 16', 4, 16, {}, /groups of 32, 64, 128 or one a row, not 16/],
  ['int8 with int8', 8, 576, int8, undefined],
  ['int8 with int8, one scale', 8, 576, { ...int8, scaleRows: 'all' }, undefined],
  ['int8 with int8 in groups', 8, 64, int8, /"groupSize: channel"/],
  ['int4 with int8', 4, 576, int8, /not int4 with 8 bits/],
])('of %s', (_, bits, groupSize, treatment, message) => {
  const remark = compressedTensors.remark!(linearSpec(8, 576), integerGrid({ bits }), groupSize, treatment);
  if (message === undefined) expect(remark).toBeUndefined();
  else expect(remark).toMatch(message);
});
