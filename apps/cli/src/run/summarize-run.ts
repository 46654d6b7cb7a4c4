import type { RunOutcome } from './run-recipe.ts';
import { reportLayers } from './run-report.ts';

/** The outcome of a run as `--json` prints it. Sizes are bytes. */
export function summarizeRun(outcome: RunOutcome): object {
  const { manifest, run, evaluations, recipe } = outcome;
  return {
    recipe: recipe.file,
    output: recipe.output,
    format: manifest.format,
    ...manifest.totals,
    seconds: run.seconds,
    peakMemory: run.peakMemory,
    resumedSections: run.resumedSections,
    evaluations: evaluations.map(({ divergence, ...measured }) => ({
      measure: divergence ? 'divergence' : 'perplexity',
      ...measured,
      ...(divergence && { divergence }),
    })),
    warnings: manifest.warnings,
    layers: reportLayers(outcome),
  };
}
