import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import type { Link, SectionWeights } from './model.ts';
import { moveScale } from './move-scale.ts';

const kernels = createReferenceKernels();
const site = (name: string, ...linears: string[]) => ({
  name,
  features: 2,
  linears: linears.map((linear) => ({
    name: linear,
    weight: `${linear}.weight`,
    outFeatures: 1,
    inFeatures: 2,
    transposed: false,
  })),
});
const matrix = (rows: number, ...values: number[]) => ({
  rows,
  columns: values.length / rows,
  data: Float32Array.from(values),
});

test('a norm with an offset gain, its bias, and every reader', () => {
  const weights: SectionWeights = {
    linears: new Map([
      ['router', { weight: matrix(1, 1, 2) }],
      ['expert', { weight: matrix(1, 3, 4), bias: Float32Array.of(9) }],
    ]),
    tensors: new Map([
      ['gain', Float32Array.of(1, 3)],
      ['bias', Float32Array.of(6, 8)],
    ]),
    inference: { sites: new Map() },
  };
  const before = structuredClone(weights);
  const held = { ...weights.linears.get('expert')! };
  const sections = { sites: [site('input', 'router'), site('expert_input', 'expert')] };
  const link: Link = {
    kind: 'norm',
    gain: 'gain',
    bias: 'bias',
    unitOffset: true,
    site: 'input',
    alsoScale: ['expert_input'],
  };
  moveScale(link, sections, weights, [2, 4], kernels);
  expect([...weights.tensors.get('gain')!]).toEqual([0, 0]);
  expect([...weights.tensors.get('bias')!]).toEqual([3, 2]);
  expect([...weights.linears.get('router')!.weight.data]).toEqual([2, 8]);
  expect([...weights.linears.get('expert')!.weight.data]).toEqual([6, 16]);
  expect(weights.linears.get('expert')!.bias).toEqual(Float32Array.of(9));
  expect(held).toEqual(before.linears.get('expert'));
});

test('rows of a Linear that two channels share, with their bias, and no others', () => {
  const weights = (): SectionWeights => ({
    linears: new Map([
      ['v', { weight: matrix(3, 1, 2, 3), bias: Float32Array.of(4, 5, 6) }],
      ['o', { weight: matrix(1, 7, 8) }],
    ]),
    tensors: new Map(),
    inference: { sites: new Map() },
  });
  const link: Link = { kind: 'linear', from: 'v', rows: Uint32Array.of(1, 1), site: 'output' };
  const moved = weights();
  moveScale(link, { sites: [site('output', 'o')] }, moved, [2, 2], kernels);
  expect([...moved.linears.get('v')!.weight.data]).toEqual([1, 1, 3]);
  expect([...moved.linears.get('v')!.bias!]).toEqual([4, 2.5, 6]);
  expect([...moved.linears.get('o')!.weight.data]).toEqual([14, 16]);
  const unequal = () => moveScale(link, { sites: [site('output', 'o')] }, weights(), [2, 4], kernels);
  expect(unequal).toThrow('shares row 1');
  expect(() => moveScale(link, { sites: [] }, weights(), [0, 0], kernels)).toThrow(RangeError);
});
