export type { CliContext } from './cli-context.ts';
export { EXIT, type ExitCode } from './exit-codes.ts';
export { recipeJsonSchema } from './recipe/json-schema.ts';
export { parseRecipe, type Recipe } from './recipe/recipe.ts';
export { RecipeError } from './recipe/recipe-error.ts';
export { type Registry, registry } from './registry.ts';
export { renderReport } from './report/render-report.ts';
export type { Report, ReportEvaluation, ReportLayer, ReportRun } from './report/report.ts';
export { runCli } from './run-cli.ts';
