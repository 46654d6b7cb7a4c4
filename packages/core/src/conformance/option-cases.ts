import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Algorithm } from '../algorithm/algorithm.ts';
import type { ConformanceCase } from './case.ts';

/** What help texts, editors and the plan rely on. */
export function optionCases<Options>(algorithm: Algorithm<Options>): ConformanceCase[] {
  return [
    {
      name: 'has a name and a summary of one sentence',
      run: async () => {
        assert.match(algorithm.name, /^[a-z][a-z0-9-]*$/);
        assert.match(algorithm.summary, /^[A-Z].*\.$/);
      },
    },
    {
      name: 'documents every option and gives it a default',
      run: async () => {
        const schema = z.toJSONSchema(algorithm.options, { io: 'input' });
        for (const [key, property] of Object.entries(schema.properties ?? {})) {
          assert.ok(typeof property === 'object' && property.description, `option ${key} has no description`);
          assert.ok('default' in property, `option ${key} has no default`);
        }
      },
    },
    {
      name: 'refuses unknown options',
      run: async () => {
        assert.ok(algorithm.options.safeParse({}).success, 'an empty recipe is not accepted');
        assert.ok(!algorithm.options.safeParse({ 'no-such-option': 1 }).success, 'an unknown option is accepted');
      },
    },
  ];
}
