import { Command } from 'commander';
import { printResult } from '../cli-context.ts';
import { recipeJsonSchema } from '../recipe/json-schema.ts';
import type { MakeCommand } from './command.ts';

export const schemaCommand: MakeCommand = (context) =>
  new Command('schema')
    .description('print the JSON schema of recipes, for editors')
    .action(() => printResult(context, { json: true }, recipeJsonSchema(context.registry), ''));
