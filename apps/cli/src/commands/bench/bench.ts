import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { describeResults } from '../../bench/describe-results.ts';
import { readMatrix } from '../../bench/matrix.ts';
import { runMatrix } from '../../bench/run-matrix.ts';
import { serveJob } from '../../bench/serve-job.ts';
import type { Shard } from '../../bench/shard.ts';
import { type CommonOptions, printResult } from '../../cli-context.ts';
import { EXIT } from '../../exit-codes.ts';
import type { MakeCommand } from '../command.ts';
import { jsonOption, threadsOption, wholeNumber } from '../options.ts';
import { checkCommand } from './check.ts';
import { mergeCommand } from './merge.ts';
import { reportCommand } from './report.ts';
import { workerCommand } from './worker.ts';

interface BenchOptions extends CommonOptions {
  readonly workers: number;
  readonly shard?: Shard;
  readonly results?: string;
  readonly queue?: string;
}

export const benchCommand: MakeCommand = (context, exit) =>
  new Command('bench')
    .description('fill a matrix of models x pipelines x evaluations: what is missing is done, the rest is known')
    .argument('<matrix>', 'a YAML file')
    .option('--workers <n>', 'processes that work at the same time', wholeNumber(1), 1)
    .option(
      '--shard <i/n>',
      'only the i-th of n parts, for several machines; `bench merge` joins their results',
      parseShard,
    )
    .option(
      '--queue <url>',
      'let `bench worker`s do it through a Redis or Valkey server, redis://host:port, and watch them',
    )
    .option('--results <file>', 'a results file other than the one that the matrix names')
    .addOption(jsonOption())
    .addOption(threadsOption())
    .action(async (file: string, options: BenchOptions) => {
      const { directory, registry, progress, signal } = context;
      const matrix = await readMatrix(file, directory, registry);
      const results = options.results === undefined ? matrix.results : resolve(directory, options.results);
      const outcome = await runMatrix(matrix, {
        results,
        workers: options.workers,
        threads: options.threads ?? Math.max(1, Math.floor(availableParallelism() / options.workers)),
        ...(options.shard === undefined ? {} : { shard: options.shard }),
        ...(options.queue === undefined ? {} : { queue: { url: options.queue, directory } }),
        progress,
        signal,
      });
      if (outcome.failures.length > 0) exit(EXIT.failure);
      const { cells, done, failures } = outcome;
      const result = { matrix: matrix.file, results, cells: cells.length, done, failures, rows: cells };
      printResult(context, options, result, `${describeResults(cells)}\n\nresults  ${results}`);
    })
    .addCommand(reportCommand(context, exit))
    .addCommand(mergeCommand(context, exit))
    .addCommand(checkCommand(context, exit))
    .addCommand(workerCommand(context, exit))
    .addCommand(
      new Command('job').action(() => serveJob(context)),
      { hidden: true },
    );

function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (count !== undefined && index >= 1 && index <= count) return { index, count };
  throw new InvalidArgumentError('It must be i/n with i from 1 to n, such as 1/4.');
}
