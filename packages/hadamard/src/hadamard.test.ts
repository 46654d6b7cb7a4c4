import type { Model, SectionSpec } from '@compress/core';
import { conformance, walkProof } from '@compress/core/conformance';
import { createKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { hadamard } from './index.ts';

const makeKernels = (threads: number) => createKernels({ threads });

for (const { name, run } of conformance({
  algorithm: hadamard,
  options: [{ rotations: ['R1'] }, { rotations: ['R1', 'R4'], seed: 3 }, { rotations: ['R1'], matrix: 'orthogonal' }],
  createKernels: makeKernels,
  walk: walkProof({ createKernels: makeKernels }),
}))
  test(name, run);

test('options: rotations by name, each once', () => {
  expect(hadamard.options.parse({})).toEqual({ block: null, rotations: ['R1', 'R2'], matrix: 'hadamard', seed: 0 });
  for (const rotations of [[], ['R5'], ['R1', 'R1']])
    expect(hadamard.options.safeParse({ rotations }).success).toBe(false);
});

const block: SectionSpec = {
  name: 'blocks.0',
  kind: 'block',
  tensors: [],
  sites: [],
  links: [],
  residual: { norms: [], writers: [], tables: [] },
};

function check(section: Partial<SectionSpec>, recipe: unknown, hiddenSize = 64) {
  const model = { hiddenSize, sections: [{ ...block, ...section }] } as unknown as Model;
  return hadamard.checkModel!(model, hadamard.options.parse(recipe));
}

test('a model whose stream cannot be rotated exactly is refused by the plan, with the reason', () => {
  const norm = { gain: 'norm', unitOffset: false, centers: true, readers: [] };
  const cases: [Partial<SectionSpec>, string][] = [
    [{ residual: { norms: [norm], writers: [], tables: [] } }, 'LayerNorm'],
    [{ residual: { norms: [], writers: [], tables: [], obstacle: 'post is the gain of a norm' } }, 'post is the gain'],
    [{ residual: undefined } as never, 'must know'],
  ];
  for (const [section, message] of cases) {
    expect(check(section, { rotations: ['R1'] }).objections).toEqual([
      { layer: 'blocks.0', message: expect.stringMatching(`${message}.*rotations: \\[R2\\]`) },
    ]);
    expect(
      check({ ...section, attention: { heads: 1, keyHeads: 1, headDimension: 8 } }, { rotations: ['R2'] }),
    ).toEqual({
      objections: [],
      warnings: [],
    });
  }
  expect(check({}, { rotations: ['R2', 'R3', 'R4'] }).objections).toHaveLength(3);
});

test('a width without a Hadamard matrix is told, with what is done instead', () => {
  const warned = (width: number) => check({}, { rotations: ['R1'] }, width).warnings.map(({ message }) => message);
  expect(warned(576)).toEqual([]);
  expect(warned(3 * 564)).toEqual([expect.stringContaining('3 blocks of 564')]);
  expect(warned(30)).toEqual([expect.stringContaining('random orthogonal')]);
  expect(check({}, { rotations: ['R1'], matrix: 'orthogonal' }, 30).warnings).toEqual([]);
  const attention = { heads: 3, keyHeads: 3, headDimension: 10 };
  expect(check({ attention }, { rotations: ['R3'] }).warnings).toEqual([
    { code: 'no-hadamard-matrix', layer: 'blocks.0', message: expect.stringContaining('5 blocks of 2') },
  ]);
});

test('blocks of the forward pass must divide what they rotate, and have a matrix', () => {
  const attention = { heads: 3, keyHeads: 3, headDimension: 12 };
  const objections = (size: number) =>
    check({ attention }, { rotations: ['R3'], block: size }).objections.map(({ message }) => message);
  expect(objections(4)).toEqual([]);
  expect(objections(8)).toEqual([expect.stringContaining('12 channels are no whole blocks of 8')]);
  expect(objections(6)).toEqual([expect.stringContaining('No Hadamard matrix of order 6')]);
});
