import { basename, dirname, join, resolve } from 'node:path';
import { CompressError, writeFileAtomic } from '@compress/core';
import { Command } from 'commander';
import { benchMarkdown } from '../../bench/report/markdown.ts';
import { renderBench } from '../../bench/report/render-bench.ts';
import { readResults } from '../../bench/results-file.ts';
import { type CommonOptions, printResult } from '../../cli-context.ts';
import type { MakeCommand } from '../command.ts';
import { jsonOption } from '../options.ts';

export const reportCommand: MakeCommand = (context) =>
  new Command('report')
    .description('draw results as a page of HTML and as Markdown, beside them under the same name')
    .argument('<results>', 'a JSONL file')
    .option('--title <text>', 'the title of the page (default: the name of the file)')
    .addOption(jsonOption())
    .action(async (name: string, options: CommonOptions & { readonly title?: string }) => {
      const file = resolve(context.directory, name);
      const results = await readResults(file);
      if (results.length === 0) throw new CompressError('results-missing', 'There are no results here.', { file });
      const stem = basename(file, '.jsonl');
      const title = options.title ?? stem;
      const page = join(dirname(file), `${stem}.html`);
      const markdown = join(dirname(file), `${stem}.md`);
      await writeFileAtomic(page, await renderBench(title, results));
      await writeFileAtomic(markdown, benchMarkdown(title, results));
      printResult(context, options, { page, markdown, cells: results.length }, `${page}\n${markdown}`);
    });
