import { describe, expect, it } from 'vitest';
import { RecipeError } from '../recipe/recipe-error.ts';
import { registry } from '../registry.ts';
import { parseMatrix } from './matrix.ts';

const good = `results: ./quick.jsonl
models:
  demo: ./model
calibration: { text: ./a.txt, samples: 4, length: 64 }
pipelines:
  rounded: { pipeline: [rtn: { grid: int8 }], format: gptq }
  W4, GPTQ:
    pipeline:
      - gptq: { grid: int4 }
evaluations:
  speech: { perplexity: { text: ./b.txt, context: 64 } }
`;

function problems(text: string): string[] {
  try {
    parseMatrix(text, '/m/quick.yaml', registry);
  } catch (error) {
    if (error instanceof RecipeError) return error.problems.map(({ message }) => message);
    throw error;
  }
  return [];
}

describe('parseMatrix', () => {
  it('reads names in their order and fills in defaults', () => {
    const matrix = parseMatrix(good, '/m/quick.yaml', registry);
    expect(matrix.results).toBe('/m/quick.jsonl');
    expect([...matrix.pipelines.keys()]).toEqual(['rounded', 'W4, GPTQ']);
    expect(matrix.pipelines.get('W4, GPTQ')).toMatchObject({
      steps: [{ algorithm: { name: 'gptq' } }],
      format: { name: 'dense' },
      seed: 0,
    });
    expect(matrix.evaluations.get('speech')).toEqual({ perplexity: { text: './b.txt', context: 64 } });
  });

  it('tells every mistake with its place, inside of names too', () => {
    const bad = good
      .replace('results:', 'result:')
      .replace('grid: int4', 'gird: int4')
      .replace('perplexity:', 'perplexty:')
      .replace('format: gptq', 'fromat: gptq');
    expect(problems(bad)).toEqual([
      '/m/quick.yaml:1:1: results is missing: The JSONL file that holds one line a cell, relative to the matrix.',
      '/m/quick.yaml:1:1: result is not known; did you mean results?',
      '/m/quick.yaml:6:47: pipelines.rounded.fromat is not known; did you mean format?',
      '/m/quick.yaml:9:17: pipelines.W4, GPTQ.pipeline[0].gptq.gird is not known; did you mean grid?',
      '/m/quick.yaml:11:13: evaluations.speech.perplexty is not known; did you mean perplexity?',
    ]);
  });

  it('keeps the name of the model as it is, and wants something in each part', () => {
    expect(problems(good.replace('rounded:', 'input:'))).toEqual([
      '/m/quick.yaml:6:10: pipelines.input is the name of the model as it is; choose another.',
    ]);
    expect(problems(good.replace('\n  demo: ./model', ' {}'))).toEqual([
      '/m/quick.yaml:2:9: models must not be empty.',
    ]);
    expect(problems('')).toEqual(['/m/quick.yaml:1:1: the matrix must be a map of keys, not empty.']);
  });
});
