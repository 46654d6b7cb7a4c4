import { resolve } from 'node:path';
import { writeFileAtomic } from '@compress/core';
import {
  compareOutcomes,
  type PairedComparison,
  type TaskItems,
  type TaskMetric,
  type TaskResult,
} from '@compress/evaluate';
import { Command } from 'commander';
import { type CommonOptions, printResult, withKernels } from '../cli-context.ts';
import { runTask } from '../model/run-task.ts';
import { checkFolderOf } from '../output/check-folder.ts';
import { formatTable } from '../output/table.ts';
import { significant } from '../output/units.ts';
import { readTask } from '../text/read-task.ts';
import type { MakeCommand } from './command.ts';
import { jsonOption, threadsOption } from './options.ts';

interface TasksOptions extends CommonOptions {
  readonly against?: string;
  readonly items?: string;
}

export const tasksCommand: MakeCommand = (context) =>
  new Command('tasks')
    .description('measure a model on a task by likelihood: which choice comes next, or the last word of a text')
    .argument('<model>', 'a folder or a hub id (owner/name or owner/name@revision)')
    .argument(
      '<file>',
      'one JSON object a line: { context, choices, answer }, or { text } whose last word is to be found',
    )
    .option('--against <model>', 'measure another model on the same items, and test whether one is better')
    .option('--items <file>', 'write what became of each item, one JSON object a line')
    .addOption(jsonOption())
    .addOption(threadsOption())
    .action(async (name: string, file: string, options: TasksOptions) => {
      const { directory } = context;
      const items = await readTask(resolve(directory, file));
      const itemsFile = options.items === undefined ? undefined : resolve(directory, options.items);
      if (itemsFile !== undefined) await checkFolderOf(itemsFile, 'The outcomes of items');
      const names = options.against === undefined ? [name] : [name, options.against];
      const results = await withKernels(options, async (kernels) => {
        const all: TaskResult[] = [];
        for (const model of names) all.push(await runTask(model, items, { ...context, kernels }));
        return all;
      });
      const [result, other] = results;
      if (itemsFile !== undefined) await writeItems(itemsFile, results);
      const comparison = other && compare(result, other);
      const models = results.map(({ metrics, logLikelihood }, i) => ({ model: names[i], metrics, logLikelihood }));
      printResult(
        context,
        options,
        { file, kind: result.kind, items: items.length, models, ...(comparison && { comparison }) },
        describe(items, names, results, comparison),
      );
    });

/** By each metric, the first model against the second. */
function compare(first: TaskResult, second: TaskResult): Partial<Record<TaskMetric, PairedComparison>> {
  const outcomes = ({ items }: TaskResult, name: TaskMetric) => items.map(({ correct }) => correct[name] === true);
  const names = Object.keys(first.metrics) as TaskMetric[];
  return Object.fromEntries(
    names.map((name) => [name, compareOutcomes(outcomes(first, name), outcomes(second, name))]),
  );
}

/** One line an item; under `models` what became of it, in the order of the command. */
async function writeItems(file: string, results: readonly TaskResult[]): Promise<void> {
  const lines = results[0].items.map((_, item) =>
    JSON.stringify({ item, models: results.map(({ items }) => items[item]) }),
  );
  await writeFileAtomic(file, `${lines.join('\n')}\n`);
}

function describe(
  items: TaskItems,
  names: readonly string[],
  results: readonly TaskResult[],
  comparison: ReturnType<typeof compare> | undefined,
): string {
  const metrics = Object.keys(results[0].metrics) as TaskMetric[];
  const rows = names.map((name, i) => [
    name,
    ...metrics.map((metric) => {
      const { mean, standardError } = results[i].metrics[metric]!;
      return `${percent(mean)} ± ${percent(standardError)}`;
    }),
    `${results[i].logLikelihood.mean.toFixed(3)} ± ${results[i].logLikelihood.standardError.toFixed(3)}`,
  ]);
  const columns = ['model', ...metrics, 'log p of the right one'].map((title, c) => ({
    title,
    align: c === 0 ? ('left' as const) : ('right' as const),
  }));
  return [
    `${items.length} items, ${kindOf(items)}`,
    '',
    formatTable(columns, rows),
    ...(comparison ? ['', ...metrics.map((metric) => `${metric}: ${sentence(comparison[metric]!, names)}`)] : []),
  ].join('\n');
}

function kindOf(items: TaskItems): string {
  const counts = items.map((item) => ('choices' in item ? item.choices.length : 0));
  if (counts[0] === 0) return 'the last word of each';
  const chance = counts.reduce((sum, count) => sum + 1 / count, 0) / counts.length;
  const most = Math.max(...counts);
  const choices = Math.min(...counts) === most ? `${most}` : `up to ${most}`;
  return `one of ${choices} choices in each (by chance ${percent(chance)})`;
}

function sentence(
  { difference, standardError, onlyFirst, onlySecond, pValue }: PairedComparison,
  [first, second]: readonly string[],
) {
  const points = `${difference > 0 ? '+' : ''}${percent(difference)} ± ${percent(standardError)}`;
  return `${points}; ${onlyFirst} right with ${first} alone, ${onlySecond} with ${second} alone: McNemar's p = ${significant(pValue, 2)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
