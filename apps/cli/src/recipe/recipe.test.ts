import type { Algorithm, Format } from '@compress/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Registry } from '../registry.ts';
import { parseRecipe } from './recipe.ts';
import { RecipeError } from './recipe-error.ts';

const round = {
  name: 'round',
  stage: 'quantize',
  summary: 'Rounds.',
  options: z.strictObject({
    bits: z.int().min(2).max(8).default(4).describe('Width of a code.'),
    groupSize: z.union([z.int().positive(), z.enum(['channel', 'tensor'])]).default('channel'),
    grid: z.union([z.enum(['int4', 'int3']), z.strictObject({ levels: z.array(z.number()) })]).default('int4'),
  }),
} as unknown as Algorithm;

const registry: Registry = {
  algorithms: [round, { ...round, name: 'prune' }],
  formats: [{ name: 'dense', summary: 'Runs everywhere.' } as Format, { name: 'packed', summary: 'Small.' } as Format],
};

const good = `model: ./in
output: ./out
calibration: { text: ./wiki.txt, samples: 64 }
pipeline:
  - round: { bits: 3 }
  - prune:
format: packed
evaluate:
  perplexity: { text: ./test.txt, context: 1024, windows: 16 }
`;

function problems(text: string): string[] {
  try {
    parseRecipe(text, '/recipes/a.yaml', registry);
  } catch (error) {
    if (error instanceof RecipeError) return error.problems.map((problem) => problem.message);
    throw error;
  }
  throw new Error('the recipe was accepted');
}

describe('parseRecipe', () => {
  it('fills in the defaults and resolves paths from the recipe', () => {
    const recipe = parseRecipe(good, '/recipes/a.yaml', registry);
    expect(recipe.output).toBe('/recipes/out');
    expect(recipe.pipeline.map((step) => step.algorithm.name)).toEqual(['round', 'prune']);
    expect(recipe.pipeline.map((step) => step.options)).toEqual([
      { bits: 3, groupSize: 'channel', grid: 'int4' },
      { bits: 4, groupSize: 'channel', grid: 'int4' },
    ]);
    expect(recipe.format.name).toBe('packed');
    expect(recipe.calibration).toMatchObject({ samples: 64, length: 512, pick: 'spread' });
    const options = { text: './test.txt', context: 1024, windows: 16 };
    expect(recipe.evaluate).toEqual([{ measure: 'perplexity', options }]);
  });

  it('takes several evaluations', () => {
    const list = good.replace(
      /evaluate:[\s\S]*/,
      'evaluate:\n  - perplexity: { text: a, context: 8 }\n  - divergence: { jsonl: b, field: body, context: 16 }\n',
    );
    expect(parseRecipe(list, 'a.yaml', registry).evaluate).toEqual([
      { measure: 'perplexity', options: { text: 'a', context: 8 } },
      { measure: 'divergence', options: { jsonl: 'b', field: 'body', context: 16 } },
    ]);
    expect(() => parseRecipe(list.replace('- divergence', '  divergence'), 'a.yaml', registry)).toThrow(
      /needs exactly one measure, perplexity or divergence/,
    );
  });

  it('reads sizes of memory', () => {
    const memory = (size: string) =>
      parseRecipe(`${good}activationMemory: ${size}\n`, 'a.yaml', registry).activationMemory;
    expect(memory('512 MB')).toBe(512_000_000);
    expect(memory('2GiB')).toBe(2 ** 31);
    expect(memory('4096')).toBe(4096);
    expect(problems(`${good}activationMemory: lots\n`)).toEqual([
      '/recipes/a.yaml:10:19: activationMemory must be a size such as 512 MB or 2 GiB, or a number of bytes.',
    ]);
  });

  it('keeps paths of the machine out of what identifies a run', () => {
    const elsewhere = parseRecipe(good, '/other/b.yaml', registry).identity;
    expect(elsewhere).toEqual(parseRecipe(good, '/recipes/a.yaml', registry).identity);
    expect(elsewhere).not.toHaveProperty('evaluate');
  });

  it('tells all mistakes at once, each with its place and the way out', () => {
    const bad = `modle: ./in
output: ./out
calibration: { text: ./wiki.txt, samples: 0, pick: sprad }
pipeline:
  - round: { bits: 9, group_size: 64 }
  - gpqt: {}
  - round: { grid: int44 }
  - round: { grid: { levls: [1] } }
format: pakced
`;
    expect(problems(bad)).toEqual([
      '/recipes/a.yaml:1:1: model is missing: A folder relative to the recipe, or a hub id: owner/name or owner/name@revision.',
      '/recipes/a.yaml:1:1: modle is not known; did you mean model?',
      '/recipes/a.yaml:3:43: calibration.samples must be at least 1, not 0.',
      '/recipes/a.yaml:3:52: calibration.pick must be one of these words, not "sprad"; did you mean spread?',
      '/recipes/a.yaml:5:20: pipeline[0].round.bits must be at most 8, not 9.',
      '/recipes/a.yaml:5:23: pipeline[0].round.group_size is not known; did you mean groupSize?',
      '/recipes/a.yaml:6:5: pipeline[1].gpqt is not known; known here: round, prune.',
      '/recipes/a.yaml:7:20: pipeline[2].round.grid cannot be "int44"; did you mean int4?',
      '/recipes/a.yaml:8:20: pipeline[3].round.grid.levels is missing.',
      '/recipes/a.yaml:8:22: pipeline[3].round.grid.levls is not known; did you mean levels?',
      '/recipes/a.yaml:9:9: format must be one of these words, not "pakced"; did you mean packed?',
    ]);
  });

  it('explains a step with two algorithms, a bare word, and an empty pipeline', () => {
    const pipeline = (text: string) => problems(`model: a\noutput: b\npipeline: ${text}\n`)[0];
    expect(pipeline('[{ round: {}, prune: {} }]')).toContain('pipeline[0] needs exactly one algorithm');
    expect(pipeline('[round]')).toContain('3:12: pipeline[0] must be a map of keys, not "round"');
    expect(pipeline('[]')).toContain('pipeline must not be empty');
  });

  it('wants exactly one text', () => {
    const calibration = (text: string) => problems(good.replace(/^calibration.*$/m, `calibration: ${text}`))[0];
    expect(calibration('{ samples: 3 }')).toContain('3:14: calibration needs the file of a text');
    expect(calibration('{ text: a, jsonl: b }')).toContain('calibration.jsonl cannot stand beside text');
    expect(calibration('{ text: a, field: b }')).toContain('calibration.field belongs to jsonl and parquet');
    expect(calibration('{ text: a, seed: 3 }')).toContain('calibration.seed belongs to pick: random');
  });

  it('places mistakes of YAML itself', () => {
    expect(problems('model: a\nmodel: b\n')[0]).toMatch(/^\/recipes\/a\.yaml:2:1: .*[Mm]ap keys must be unique/);
    expect(problems('model: [a\noutput: b\n')[0]).toMatch(/^\/recipes\/a\.yaml:\d+:\d+: /);
    expect(problems('')[0]).toMatch(/the recipe must be a map of keys, not empty/);
  });
});
