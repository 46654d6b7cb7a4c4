import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Perplexity } from '@compress/evaluate';
import { Command } from 'commander';
import { type CommonOptions, openEventLog, printResult, withKernels } from '../cli-context.ts';
import { DEMO_MODEL, demoTexts } from '../demo-model.ts';
import { formatTable } from '../output/table.ts';
import { formatBytes, formatSeconds, significant } from '../output/units.ts';
import { readRecipe } from '../recipe/read-recipe.ts';
import type { Report } from '../report/report.ts';
import { type RunOutcome, runRecipe } from '../run/run-recipe.ts';
import { makeReport, writeReport } from '../run/run-report.ts';
import { summarizeRun } from '../run/summarize-run.ts';
import { createTokenize } from '../text/tokenize.ts';
import type { MakeCommand } from './command.ts';
import { eventsOption, jsonOption, threadsOption } from './options.ts';

/** What the demo compresses its model to: name for people, name of recipe and output, the pipeline's only step. */
const RUNS = [
  { name: 'RTN 3-bit', id: 'rtn-3bit', step: 'rtn: { grid: int3, groupSize: 128 }' },
  { name: 'GPTQ 3-bit', id: 'gptq-3bit', step: 'gptq: { grid: int3, groupSize: 128 }' },
  { name: 'GPTQ 4-bit', id: 'gptq-4bit', step: 'gptq: { grid: int4, groupSize: 128 }' },
] as const;

export const demoCommand: MakeCommand = (context) =>
  new Command('demo')
    .description('compress a small model that ships with the app in three ways, measure each, and write a report')
    .option('--output <folder>', 'where recipes, models and the report go', 'demo-output')
    .addOption(jsonOption())
    .addOption(threadsOption())
    .addOption(eventsOption())
    .action(async (options: CommonOptions & { readonly output: string }) => {
      const { progress, signal, directory, registry } = context;
      const folder = resolve(directory, options.output);
      await writeInputs(folder);
      const log = openEventLog(options.events);
      try {
        const outcomes = await withKernels(options, async (kernels) => {
          // The runs share what is the same for all: the tokens of both texts, and the measure of the input.
          const shared = { tokenize: createTokenize(), measured: new Map<string, Perplexity>() };
          const done: { name: string; outcome: RunOutcome }[] = [];
          for (const { name, id } of RUNS) {
            progress.log(`${name}: compress run ${join(options.output, `${id}.yaml`)}`);
            const recipe = await readRecipe(join(folder, `${id}.yaml`), directory, registry);
            const outcome = await runRecipe(recipe, { kernels, progress, signal, onEvent: log.write, ...shared });
            await writeReport(recipe.output, makeReport(id, [{ name, outcome }]));
            done.push({ name, outcome });
          }
          return done;
        });
        const page = makeReport('The demo model, compressed', outcomes);
        const report = await writeReport(folder, page);
        const result = {
          input: { bytes: page.model.bytes, perplexity: page.evaluations[0].before },
          runs: outcomes.map(({ name, outcome }) => ({ name, ...summarizeRun(outcome) })),
          report,
        };
        printResult(context, options, result, `${table(page)}\n\nreport  ${report}`);
      } finally {
        log.close();
      }
    });

/** A folder that explains itself: the model, both texts, and a recipe for each run that `compress run` does again. */
async function writeInputs(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(DEMO_MODEL, join(folder, 'model'), { recursive: true });
  const { calibration, evaluation } = await demoTexts();
  await writeFile(join(folder, 'calibration.txt'), calibration);
  await writeFile(join(folder, 'evaluation.txt'), evaluation);
  for (const { id, step } of RUNS) {
    await writeFile(
      join(folder, `${id}.yaml`),
      `model: ./model
output: ./${id}
calibration: { text: ./calibration.txt, samples: 128, length: 512 }
pipeline:
  - ${step}
format: gptq
evaluate:
  perplexity: { text: ./evaluation.txt, context: 512, windows: 64 }
`,
    );
  }
}

function table({ model, evaluations, runs }: Report): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  return formatTable(
    [
      { title: 'model', align: 'left' },
      right('size'),
      right('of input'),
      right('bits'),
      right('perplexity'),
      right('time'),
    ],
    [
      ['input (F16)', formatBytes(model.bytes), '100 %', '16', evaluations[0].before.toFixed(3), ''],
      ...runs.map((run) => [
        run.name,
        formatBytes(run.bytes),
        `${significant((100 * run.bytes) / model.bytes, 3)} %`,
        significant(run.bitsPerWeight, 3),
        run.measured[0].perplexity.toFixed(3),
        formatSeconds(run.seconds),
      ]),
    ],
  );
}
