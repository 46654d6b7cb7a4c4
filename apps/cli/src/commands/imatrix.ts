import { basename, resolve } from 'node:path';
import { CompressError } from '@compress/core';
import { activationSquares, checkedWindows } from '@compress/evaluate';
import { ggufWeightName, writeImatrix } from '@compress/formats';
import { Command } from 'commander';
import { type CliContext, type CommonOptions, printResult, withKernels } from '../cli-context.ts';
import { showShare, windowOptions } from '../model/measure-perplexity.ts';
import { openModel } from '../model/open-model.ts';
import { formatBytes } from '../output/units.ts';
import type { PerplexityRecipe } from '../recipe/schema.ts';
import { createTokenize } from '../text/tokenize.ts';
import type { MakeCommand } from './command.ts';
import { entryOf } from './eval.ts';
import { jsonOption, threadsOption, wholeNumber, withTextOptions } from './options.ts';

interface ImatrixOptions extends CommonOptions, PerplexityRecipe {}

export const imatrixCommand: MakeCommand = (context) =>
  withTextOptions(new Command('imatrix'))
    .description('write an importance matrix, as convert --imatrix and llama.cpp read it, of what a text shows')
    .argument('<model>', 'a folder or a hub id (owner/name or owner/name@revision)')
    .argument('<output>', 'a new file, *.gguf')
    .requiredOption('--context <n>', 'tokens a window', wholeNumber(2))
    .option('--windows <k>', 'windows from the start of the text (default: all that are whole)', wholeNumber(1))
    .addOption(jsonOption())
    .addOption(threadsOption())
    .action(async (name: string, target: string, options: ImatrixOptions) => {
      const output = resolve(context.directory, target);
      const result = await measure(context, name, output, options);
      const text = `${output}  ${formatBytes(result.bytes)}, ${result.entries} matrices, ${result.tokens} tokens`;
      printResult(context, options, result, text);
    });

async function measure(
  { directory, progress, signal }: CliContext,
  name: string,
  file: string,
  options: ImatrixOptions,
) {
  const source = entryOf(options);
  const opened = await openModel(name, { directory, note: progress.log });
  try {
    const { folder, model, checkpoint } = opened;
    const text = await createTokenize()(source, { directory, folder });
    const windows = checkedWindows({ model, ...text, ...windowOptions(source, opened) });
    const found = await withKernels(options, (kernels) =>
      activationSquares({
        model,
        checkpoint,
        kernels,
        windows: windows.map(({ tokens }) => tokens),
        signal,
        onProgress: showShare(progress, 'Importance'),
      }),
    );
    const named = [...found].map(([linear, seen]) => [gguf(linear), seen] as const);
    const { bytes } = await writeImatrix({
      file,
      datasets: [basename(source.text ?? source.jsonl ?? source.parquet ?? '')],
      chunks: windows.length,
      chunkSize: source.context,
      entries: new Map(named.map(([entry, { squares }]) => [entry, squares])),
      tokens: new Map(named.map(([entry, { tokens }]) => [entry, tokens])),
    });
    return { model: name, output: file, bytes, entries: named.length, tokens: windows.length * source.context };
  } finally {
    await opened.checkpoint.close();
  }
}

function gguf(linear: string): string {
  const name = ggufWeightName(linear);
  if (name !== undefined) return name;
  throw new CompressError('gguf-export', 'It has no name in GGUF, so no importance matrix can hold it.', {
    layer: linear,
  });
}
