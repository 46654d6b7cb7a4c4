import { join } from 'node:path';
import { writeFileAtomic } from '@compress/core';
import { renderReport } from '../report/render-report.ts';
import type { Report, ReportLayer, ReportRun } from '../report/report.ts';
import type { RunOutcome } from './run-recipe.ts';

/** The outcome of a run as the report shows it. */
export function reportRun(name: string, { manifest, run, evaluations }: RunOutcome): ReportRun {
  return {
    name,
    bytes: manifest.totals.bytesAfter,
    bitsPerWeight: manifest.totals.bitsPerWeight,
    seconds: run.seconds,
    peakMemory: run.peakMemory,
    format: manifest.format,
    measured: evaluations.map(({ after, divergence }) => ({
      perplexity: after.perplexity,
      ...(divergence && { divergence }),
    })),
    layers: reportLayers({ manifest, run }),
    untouched: manifest.untouched,
    warnings: manifest.warnings,
    recipe: manifest.recipe,
  };
}

/** Errors are in the manifest and times beside it, in the same order. */
export function reportLayers({ manifest, run }: Pick<RunOutcome, 'manifest' | 'run'>): ReportLayer[] {
  return manifest.layers.map((layer, index) => ({ ...layer, seconds: run.layers[index].seconds }));
}

/** The report on runs of one model with the same measures. */
export function makeReport(
  title: string,
  outcomes: readonly { readonly name: string; readonly outcome: RunOutcome }[],
): Report {
  const [{ outcome: first }] = outcomes;
  return {
    title,
    model: {
      name: first.recipe.model,
      architecture: first.architecture,
      bytes: first.manifest.totals.bytesBefore,
    },
    evaluations: first.evaluations.map(({ text, before }) => ({
      text,
      context: before.context,
      windows: before.windows,
      before: before.perplexity,
    })),
    runs: outcomes.map(({ name, outcome }) => reportRun(name, outcome)),
  };
}

/** Writes `report.html` into a folder and returns its path. */
export async function writeReport(folder: string, report: Report): Promise<string> {
  const file = join(folder, 'report.html');
  await writeFileAtomic(file, await renderReport(report));
  return file;
}
