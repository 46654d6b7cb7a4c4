import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CompressError } from '@compress/core';
import type { Registry } from '../registry.ts';
import { parseRecipe, type Recipe } from './recipe.ts';

/** Reads and checks a recipe's file. Throws `CompressError` `recipe-missing`, and `RecipeError`. */
export async function readRecipe(file: string, directory: string, registry: Registry): Promise<Recipe> {
  const text = await readFile(resolve(directory, file), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'There is no such recipe' : `The recipe cannot be read (${cause.message})`;
    throw new CompressError('recipe-missing', `${reason}.`, { file }, { cause });
  });
  return parseRecipe(text, resolve(directory, file), registry);
}
