import { basename } from 'node:path';
import { Command } from 'commander';
import { type CommonOptions, openEventLog, printResult, withKernels } from '../cli-context.ts';
import { readRecipe } from '../recipe/read-recipe.ts';
import { describeRun } from '../run/describe-run.ts';
import { runRecipe } from '../run/run-recipe.ts';
import { makeReport, writeReport } from '../run/run-report.ts';
import { summarizeRun } from '../run/summarize-run.ts';
import { createTokenize } from '../text/tokenize.ts';
import type { MakeCommand } from './command.ts';
import { eventsOption, jsonOption, threadsOption } from './options.ts';

export const runCommand: MakeCommand = (context) =>
  new Command('run')
    .description('do what a recipe says: compress a model, measure it, write a report; an interrupted run goes on')
    .argument('<recipe>', 'a YAML file')
    .option('--layers', 'list every layer at the end, not one row a kind')
    .addOption(jsonOption())
    .addOption(threadsOption())
    .addOption(eventsOption())
    .action(async (file: string, options: CommonOptions & { readonly layers?: true }) => {
      const { progress, signal, directory, registry } = context;
      const recipe = await readRecipe(file, directory, registry);
      const log = openEventLog(options.events);
      try {
        const outcome = await withKernels(options, (kernels) =>
          runRecipe(recipe, {
            kernels,
            progress,
            signal,
            onEvent: log.write,
            tokenize: createTokenize(),
            measured: new Map(),
          }),
        );
        const name = recipe.pipeline.map(({ algorithm }) => algorithm.name).join(' + ');
        const report = await writeReport(recipe.output, makeReport(basename(recipe.output), [{ name, outcome }]));
        const text = `${describeRun(outcome, { everyLayer: options.layers === true })}\nreport      ${report}`;
        printResult(context, options, { ...summarizeRun(outcome), report }, text);
      } finally {
        log.close();
      }
    });
