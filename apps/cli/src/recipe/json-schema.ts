import { z } from 'zod';
import type { Registry } from '../registry.ts';
import { recipeSchema } from './schema.ts';

/** The JSON schema (2020-12) of recipes: what editors complete and check them with. */
export function recipeJsonSchema(registry: Registry): object {
  const { $schema, ...schema } = z.toJSONSchema(recipeSchema(registry), { io: 'input' });
  return {
    $schema,
    title: 'Recipe of compress',
    description: 'What `compress run` does: a model, a pipeline of algorithms, a format, measures.',
    ...schema,
  };
}
