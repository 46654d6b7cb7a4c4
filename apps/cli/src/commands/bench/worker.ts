import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { runWorker } from '../../bench/queue/run-worker.ts';
import type { CommonOptions } from '../../cli-context.ts';
import type { MakeCommand } from '../command.ts';
import { threadsOption, wholeNumber } from '../options.ts';

export const workerCommand: MakeCommand = (context) =>
  new Command('worker')
    .description(
      'do what others put into a queue with `bench MATRIX --queue URL`, started in the same folder of a copy of the same files',
    )
    .argument('<url>', 'redis://host:port of a Redis or Valkey server')
    .option(
      '--lease <seconds>',
      'after so long without a sign of life a job goes to another worker',
      wholeNumber(1),
      30,
    )
    .addOption(threadsOption())
    .action((url: string, { lease, threads }: CommonOptions & { readonly lease: number }) =>
      runWorker(url, { ...context, lease, threads: threads ?? availableParallelism() }),
    );
