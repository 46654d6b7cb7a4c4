import { type CacheSide, CompressError, type Inference } from '@compress/core';
import { bitsPerElement, withCache } from '@compress/kv-cache';
import { Command } from 'commander';
import { type CommonOptions, openEventLog, printResult, withKernels } from '../cli-context.ts';
import { measurePerplexity } from '../model/measure-perplexity.ts';
import { openModel } from '../model/open-model.ts';
import { readCache } from '../model/read-cache.ts';
import { significant } from '../output/units.ts';
import { type PerplexityRecipe, perplexitySchema } from '../recipe/schema.ts';
import { createTokenize } from '../text/tokenize.ts';
import type { MakeCommand } from './command.ts';
import { eventsOption, jsonOption, threadsOption, wholeNumber, withTextOptions } from './options.ts';

interface EvalOptions extends CommonOptions {
  readonly text?: string;
  readonly jsonl?: string;
  readonly parquet?: string;
  readonly field?: string;
  readonly context: number;
  readonly windows?: number;
  readonly cache?: string;
}

export const evalCommand: MakeCommand = (context) =>
  withTextOptions(new Command('eval'))
    .description('measure the perplexity of a model: an ordinary folder, one that compress wrote, or a hub id')
    .argument('<model>', 'a folder or a hub id (owner/name or owner/name@revision)')
    .requiredOption('--context <n>', 'tokens a window', wholeNumber(2))
    .option('--windows <k>', 'windows from the start of the text (default: all that are whole)', wholeNumber(1))
    .option(
      '--cache <options>',
      'how keys and values are kept: options of kv-cache, such as "{ bits: 4 }", or a YAML file of them',
    )
    .addOption(jsonOption())
    .addOption(threadsOption())
    .addOption(eventsOption())
    .action(async (name: string, options: EvalOptions) => {
      const { directory, progress, signal } = context;
      const recipe = perplexityOf(options);
      const cache = options.cache === undefined ? undefined : await readCache(options.cache, directory);
      const log = openEventLog(options.events);
      const opened = await openModel(name, { directory, note: progress.log });
      try {
        const { folder } = opened;
        const measured = cache ? { ...opened, checkpoint: withCache(opened.checkpoint, opened.model, cache) } : opened;
        const { tokens } = await createTokenize()(recipe, { directory, folder });
        const result = await withKernels(options, (kernels) =>
          measurePerplexity({
            opened: measured,
            tokens,
            ...recipe,
            kernels,
            label: 'Perplexity',
            progress,
            signal,
          }),
        );
        log.write({ type: 'perplexity', model: name, ...result });
        const text = [
          `perplexity  ${significant(result.perplexity, 5)}`,
          `mean NLL    ${result.nll.toFixed(5)} ± ${result.standardError.toFixed(5)}`,
          `tokens      ${result.tokens} (${result.windows} windows of ${result.context})`,
          `speed       ${significant(result.tokensPerSecond, 3)} tokens/s`,
        ];
        const bits = cacheBits(measured.checkpoint.inference);
        if (bits) text.push(`cache       ${bits.keys} bits an element of older keys, ${bits.values} of older values`);
        printResult(context, options, { model: name, ...result, ...(bits && { cacheBits: bits }) }, text.join('\n'));
      } finally {
        await opened.checkpoint.close();
        log.close();
      }
    });

/** What older keys and values take in the cache of the first block that has one. */
function cacheBits(inference: Inference | undefined): { keys: number; values: number } | undefined {
  const cache = Object.values(inference?.attention ?? {}).find((entry) => entry.cache)?.cache;
  const bits = (side: CacheSide | undefined) => (side ? Number(significant(bitsPerElement(side), 4)) : 32);
  return cache && { keys: bits(cache.keys), values: bits(cache.values) };
}

function perplexityOf({ text, jsonl, parquet, field, context, windows }: EvalOptions): PerplexityRecipe {
  const result = perplexitySchema.safeParse({ text, jsonl, parquet, field, context, windows });
  if (result.success) return result.data;
  throw new CompressError('usage', result.error.issues.map(({ message }) => `The text ${message}`).join(' '));
}
