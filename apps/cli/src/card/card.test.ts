import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '@compress/core';
import { gptq } from '@compress/formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readBaseModel } from './base-model.ts';
import { renderCard } from './render-card.ts';

const manifest: Manifest = {
  program: 'compress',
  version: 1,
  recipe: { model: './my/model', pipeline: [{ gptq: { grid: 'int4' } }], note: 'a ``` in it' },
  versions: {},
  numerics: 'fma',
  seed: 0,
  format: 'gptq',
  pipeline: [
    { algorithm: 'awq', options: {} },
    { algorithm: 'gptq', options: {} },
  ],
  calibration: null,
  model: { architecture: 'llama', sections: 3, linears: 8 },
  inputs: {},
  outputs: { 'inference.json': { bytes: 2, sha256: '0'.repeat(64) } },
  layers: [],
  untouched: Array.from({ length: 7 }, (_, i) => ({ layer: `layer.${i}`, reason: 'too small' })),
  warnings: [{ algorithm: 'gptq', code: 'x', layer: 'y', message: 'z' }],
  totals: { bytesBefore: 2_000_000, bytesAfter: 500_000, touched: 7, bitsPerWeight: 4.25 },
};
const base = { id: 'owner/model', metadata: { license: 'other', license_link: 'LICENSE' } };
const measures = [{ text: 'wiki.txt', context: 512, windows: 16, before: 22.8814, after: 30.0161 }];

describe('a model card', () => {
  const card = renderCard({ manifest, format: gptq, base, measures });

  it('has front matter that the Hub reads', () => {
    expect(parse(/^---\n([\s\S]*?)\n---\n/.exec(card)![1])).toEqual({
      base_model: 'owner/model',
      base_model_relation: 'quantized',
      library_name: 'transformers',
      pipeline_tag: 'text-generation',
      license: 'other',
      license_link: 'LICENSE',
      tags: ['compress', 'gptq', 'awq'],
    });
  });

  it('tells recipe, sizes, perplexities, and what to mind', () => {
    expect(card).toContain('# model, 4.25 bits per weight');
    expect(card).toContain('| perplexity (wiki.txt, 16 windows of 512 tokens) | 22.881 | 30.016 |');
    expect(card).toContain('`layer.4` (too small) and 2 more.');
    expect(card).toContain('also does what `inference.json` says');
    expect(card).toContain('````yaml\nmodel: ./my/model');
    expect(card).toContain('pip install transformers accelerate gptqmodel');
    expect(card).toContain('vllm serve FOLDER');
    expect(card).not.toContain('README.base.md');
  });

  it('claims no base where none is known', () => {
    const unknown = renderCard({ manifest, format: gptq, base: { metadata: {} }, measures: [] });
    expect(unknown).not.toContain('base_model');
    expect(unknown).not.toContain('perplexity');
    expect(unknown).toContain('The weights of `model`');
  });
});

describe('what is known of a base', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'compress-card-'));
  });
  afterAll(() => rm(root, { recursive: true }));

  it.each<[string, string | undefined, object]>([
    ['no card', undefined, {}],
    ['a card without front matter', '# A model\n---\nlicense: mit\n---\n', {}],
    ['front matter that is no YAML', '---\nlicense: [\n---\n', {}],
    ['front matter that is no object', '---\n- a\n---\n', {}],
    [
      'a licence and more',
      '---\r\nlicense: mit\r\ntags: [a]\r\nlanguage: en\r\n---\r\nText',
      { license: 'mit', language: 'en' },
    ],
  ])('from %s', async (name, card, metadata) => {
    const folder = join(root, name);
    await mkdir(folder);
    if (card !== undefined) await writeFile(join(folder, 'README.md'), card);
    expect(await readBaseModel(folder)).toEqual({ metadata });
  });

  it('from its place in the cache', async () => {
    const folder = join(root, 'models--owner--a--b', 'snapshots', 'c0ffee');
    await mkdir(folder, { recursive: true });
    expect(await readBaseModel(folder)).toEqual({ id: 'owner/a--b', metadata: {} });
  });
});
