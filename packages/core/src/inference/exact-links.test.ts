import { expect, test } from 'vitest';
import { toyModel } from '../walk/toy/toy-model.ts';
import { withExactLinks } from './exact-links.ts';

test('a transform after a rotation finds no link into what is rotated', () => {
  const [, block] = toyModel().sections;
  const links = [
    ...block.links,
    { kind: 'linear' as const, from: 'blocks.0.up', rows: new Uint32Array(12), site: 'blocks.0.inner' },
  ];
  const rotated = (site: string) => new Map([[site, { rotation: { kind: 'hadamard' as const, size: 4 } }]]);
  const left = (site: string) =>
    withExactLinks({ ...block, links }, { sites: rotated(site) }).links.map((link) => link.site);
  expect(left('blocks.0.inner')).toEqual(['blocks.0.input']);
  expect(left('blocks.0.input')).toEqual(['blocks.0.inner']);
  expect(left('blocks.0.expert')).toEqual(['blocks.0.input', 'blocks.0.inner']);
});
