import { resolve } from 'node:path';
import { CompressError } from '@compress/core';
import { Command } from 'commander';
import { joinResults, readResults, writeResults } from '../../bench/results-file.ts';
import { type CommonOptions, printResult } from '../../cli-context.ts';
import type { MakeCommand } from '../command.ts';
import { jsonOption } from '../options.ts';

export const mergeCommand: MakeCommand = (context) =>
  new Command('merge')
    .description('join results of several machines; a cell that was done twice must have come out the same')
    .argument('<results...>', 'JSONL files')
    .requiredOption('--output <file>', 'the JSONL file to write; it may be one of those that are read')
    .addOption(jsonOption())
    .action(async (names: string[], options: CommonOptions & { readonly output: string }) => {
      const { directory } = context;
      const sources = [];
      for (const name of names) {
        const results = await readResults(resolve(directory, name));
        if (results.length === 0)
          throw new CompressError('results-missing', 'There are no results here.', { file: name });
        sources.push({ file: name, results });
      }
      const joined = joinResults(sources);
      await writeResults(resolve(directory, options.output), joined);
      const read = sources.reduce((sum, { results }) => sum + results.length, 0);
      const summary = { output: options.output, cells: joined.length, twice: read - joined.length };
      printResult(
        context,
        options,
        summary,
        `${joined.length} cells, ${summary.twice} of them done twice with the same digest`,
      );
    });
