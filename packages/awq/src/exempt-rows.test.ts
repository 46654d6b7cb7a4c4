import type { LinearSpec, SectionSpec } from '@compress/core';
import { expect, test } from 'vitest';
import { exemptRows } from './exempt-rows.ts';

const linear = (name: string, outFeatures: number): LinearSpec => ({
  name,
  weight: `${name}.weight`,
  outFeatures,
  inFeatures: 4,
  transposed: false,
});
const [q, v, fused, gate, up] = [linear('q', 4), linear('v', 2), linear('qkv', 6), linear('gate', 2), linear('up', 2)];

function section(attention: readonly LinearSpec[], from: string, rows: readonly number[]): SectionSpec {
  const site = (name: string, linears: readonly LinearSpec[]) => ({ name, features: 4, linears });
  return {
    name: 'blocks.0',
    kind: 'block',
    tensors: [],
    sites: [site('attention', attention), site('network', [gate, up])],
    links: [
      { kind: 'linear', from, rows: Uint32Array.from(rows), site: 'output' },
      { kind: 'linear', from: 'up', rows: Uint32Array.of(0, 1), site: 'inner' },
    ],
    attention: { heads: 2, keyHeads: 1, headDimension: 2 },
  };
}

test('queries and keys are exempt, values and the feed-forward are not', () => {
  const separate = section([q, v], 'v', [0, 1, 0, 1]);
  expect(exemptRows(separate, q)).toEqual(Uint8Array.of(1, 1, 1, 1));
  expect(exemptRows(separate, v)).toEqual(Uint8Array.of(0, 0));
  expect(exemptRows(separate, gate)).toBeUndefined();
  expect(exemptRows({ ...separate, attention: undefined } as never, q)).toBeUndefined();
});

test('of a fused Linear, the rows that make no values', () => {
  expect(exemptRows(section([fused], 'qkv', [4, 5, 4, 5]), fused)).toEqual(Uint8Array.of(1, 1, 1, 1, 0, 0));
});
