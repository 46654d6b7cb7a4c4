import { CompressError } from '@compress/core';

/** All mistakes of a recipe or a matrix at once, in the order in which they stand in the file. */
export class RecipeError extends CompressError {
  override readonly name = 'RecipeError';
  readonly problems: readonly CompressError[];

  constructor(problems: readonly CompressError[]) {
    super(problems[0].code, problems.map((problem) => problem.message).join('\n'));
    this.problems = problems;
  }
}
