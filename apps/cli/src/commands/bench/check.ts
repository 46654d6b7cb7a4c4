import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { type Check, checkResults } from '../../bench/check-results.ts';
import { readMatrix } from '../../bench/matrix.ts';
import { type CommonOptions, printResult } from '../../cli-context.ts';
import { EXIT } from '../../exit-codes.ts';
import type { MakeCommand } from '../command.ts';
import { jsonOption, threadsOption, wholeNumber } from '../options.ts';

interface CheckOptions extends CommonOptions {
  readonly sample?: number;
  readonly seed: number;
  readonly workers: number;
  readonly results?: string;
}

export const checkCommand: MakeCommand = (context, exit) =>
  new Command('check')
    .description('do cells of a matrix again, and fail if a digest or a number is not what its results say')
    .argument('<matrix>', 'a YAML file')
    .option('--sample <n>', 'only n outputs, chosen by --seed (default: all)', wholeNumber(1))
    .option('--seed <n>', 'another sample', wholeNumber(0), 0)
    .option('--workers <n>', 'processes that work at the same time', wholeNumber(1), 1)
    .option('--results <file>', 'a results file other than the one that the matrix names')
    .addOption(jsonOption())
    .addOption(threadsOption())
    .action(async (file: string, options: CheckOptions) => {
      const { directory, registry, progress, signal } = context;
      const matrix = await readMatrix(file, directory, registry);
      const check = await checkResults(matrix, {
        results: options.results === undefined ? matrix.results : resolve(directory, options.results),
        ...(options.sample === undefined ? {} : { sample: options.sample }),
        seed: options.seed,
        workers: options.workers,
        threads: options.threads ?? Math.max(1, Math.floor(availableParallelism() / options.workers)),
        progress,
        signal,
      });
      if (check.differences.length > 0) exit(EXIT.mismatch);
      else if (check.failures.length > 0) exit(EXIT.failure);
      printResult(context, options, { matrix: matrix.file, ...check }, describe(check));
    });

function describe({ cells, differences, failures }: Check): string {
  const failed = failures.map(({ model, pipeline, message }) => `${model} · ${pipeline} failed: ${message}`);
  if (differences.length + failed.length > 0) return [...differences, ...failed].join('\n');
  return `${cells} ${cells === 1 ? 'cell' : 'cells'} done again, to the last digit the same.`;
}
