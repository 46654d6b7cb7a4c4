import { CompressError } from '@compress/core';

/** All mistakes of a recipe at once, in the order in which they stand in the file. */
export class RecipeError extends CompressError {
  override readonly name = 'RecipeError';
  readonly problems: readonly CompressError[];

  constructor(problems: readonly CompressError[]) {
    super('recipe-invalid', problems.map((problem) => problem.message).join('\n'));
    this.problems = problems;
  }
}
