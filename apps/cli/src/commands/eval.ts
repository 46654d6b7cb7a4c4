import { resolve } from 'node:path';
import { type CacheSide, CompressError, type Inference } from '@compress/core';
import {
  checkedWindows,
  type GreedyAgreement,
  type TokenScores,
  textIdentity,
  writeTokenScores,
} from '@compress/evaluate';
import { bitsPerElement, withCache } from '@compress/kv-cache';
import { Command } from 'commander';
import { type CommonOptions, openEventLog, printResult, withKernels } from '../cli-context.ts';
import { type MeasuredDivergence, measureDivergence } from '../model/measure-divergence.ts';
import { measureGreedy } from '../model/measure-greedy.ts';
import { measurePerplexity, windowOptions } from '../model/measure-perplexity.ts';
import { openModel } from '../model/open-model.ts';
import { readCache } from '../model/read-cache.ts';
import { describeDivergence, describeGreedy } from '../output/describe-divergence.ts';
import { describePerplexity } from '../output/describe-perplexity.ts';
import { significant } from '../output/units.ts';
import { type PerplexityRecipe, perplexitySchema } from '../recipe/schema.ts';
import { createTokenize } from '../text/tokenize.ts';
import type { MakeCommand } from './command.ts';
import { eventsOption, jsonOption, threadsOption, wholeNumber, withTextOptions } from './options.ts';

interface EvalOptions extends CommonOptions, PerplexityRecipe {
  readonly perToken?: string;
  readonly reference?: string;
  readonly keepReference?: string;
  readonly greedy?: number;
  readonly cache?: string;
}

type Measured = Pick<MeasuredDivergence, 'perplexity'> & Partial<MeasuredDivergence & { greedy: GreedyAgreement }>;

export const evalCommand: MakeCommand = (context) =>
  withTextOptions(new Command('eval'))
    .description('measure a model: its perplexity, and with --reference how far it is from another one')
    .argument('<model>', 'a folder or a hub id (owner/name or owner/name@revision)')
    .requiredOption('--context <n>', 'tokens a window', wholeNumber(2))
    .option('--windows <k>', 'windows from the start of the text (default: all)', wholeNumber(1))
    .option('--stride <n>', 'tokens from one window to the next; each scores its last n, the first all', wholeNumber(1))
    .option('--score-from <p>', 'first position in a window that is scored, from 0 (default: 1)', wholeNumber(1))
    .option('--bos', "the model's beginning token takes the place of the first token of every window")
    .option('--per-token <file>', 'write the negative log-likelihood of every scored token: see compress compare')
    .option('--reference <model>', 'hold the distributions against those of another model, or of a file that was kept')
    .option('--keep-reference <file>', 'keep what the reference gave, for other models; used if it is there already')
    .option(
      '--greedy <n>',
      'with --reference: let both go on from every window by n tokens, and tell where they first differ; each is then in memory whole',
      wholeNumber(1),
    )
    .option(
      '--cache <options>',
      'how keys and values are kept: options of kv-cache, such as "{ bits: 4 }", or a YAML file of them',
    )
    .addOption(jsonOption())
    .addOption(threadsOption())
    .addOption(eventsOption())
    .action(async (name: string, options: EvalOptions) => {
      const { directory, progress, signal } = context;
      const entry = entryOf(options);
      if (options.keepReference !== undefined && options.reference === undefined)
        throw new CompressError('usage', '--keep-reference says where, --reference of which model: give both.');
      if (options.greedy !== undefined && options.reference === undefined)
        throw new CompressError('usage', '--greedy compares with what --reference says: give both.');
      const cache = options.cache === undefined ? undefined : await readCache(options.cache, directory);
      const log = openEventLog(options.events);
      const found = await openModel(name, { directory, note: progress.log });
      try {
        const { folder, model } = found;
        const opened = cache ? { ...found, checkpoint: withCache(found.checkpoint, model, cache) } : found;
        const text = await createTokenize()(entry, { directory, folder });
        const { perToken } = options;
        const onScores = async (scores: TokenScores) => {
          if (perToken === undefined) return;
          const cut = windowOptions(entry, opened);
          const identity = textIdentity(checkedWindows({ model, ...text, ...cut }), cut);
          await writeTokenScores({ file: resolve(directory, perToken), model: name, text: identity, ...scores });
        };
        const measured = await withKernels(options, async (kernels): Promise<Measured> => {
          const request = { opened, text, entry, kernels, label: 'Perplexity', progress, signal, onScores };
          const { reference, keepReference: keep, greedy: tokens } = options;
          if (reference === undefined) return { perplexity: await measurePerplexity(request) };
          const compared = { ...request, reference, directory, ...(keep !== undefined && { keep }) };
          // What cannot be said is told before the long walks.
          const greedy = tokens === undefined ? undefined : await measureGreedy({ ...compared, tokens });
          return { ...(await measureDivergence(compared)), ...(greedy && { greedy }) };
        });
        const { perplexity: result, divergence, reference, greedy } = measured;
        const distance = divergence && { reference, divergence, ...(greedy && { greedy }) };
        log.write({ type: 'perplexity', model: name, ...result, ...distance });
        const lines = describePerplexity(result);
        if (divergence) lines.push(...describeDivergence(reference!, divergence));
        if (greedy) lines.push(describeGreedy(greedy));
        const bits = cacheBits(opened.checkpoint.inference);
        if (bits) lines.push(`cache       ${bits.keys} bits an element of older keys, ${bits.values} of older values`);
        if (perToken !== undefined) lines.push(`per token   ${perToken}`);
        printResult(
          context,
          options,
          { model: name, ...result, ...distance, ...(bits && { cacheBits: bits }) },
          lines.join('\n'),
        );
      } finally {
        await found.checkpoint.close();
        log.close();
      }
    });

/** What older keys and values take in the cache of the first block that has one. */
function cacheBits(inference: Inference | undefined): { keys: number; values: number } | undefined {
  const cache = Object.values(inference?.attention ?? {}).find((entry) => entry.cache)?.cache;
  const bits = (side: CacheSide | undefined) => (side ? Number(significant(bitsPerElement(side), 4)) : 32);
  return cache && { keys: bits(cache.keys), values: bits(cache.values) };
}

/** The text and its windows that a command line names. Throws `CompressError` `usage`. */
export function entryOf(options: Partial<PerplexityRecipe>): PerplexityRecipe {
  const { text, jsonl, parquet, field, context, windows, stride, scoreFrom, bos } = options;
  const result = perplexitySchema.safeParse({ text, jsonl, parquet, field, context, windows, stride, scoreFrom, bos });
  if (result.success) return result.data;
  const subject = ([key]: PropertyKey[]) => (key === undefined ? 'The text' : `--${kebab(String(key))}`);
  const sentences = result.error.issues.map(({ path, message }) => `${subject(path)} ${message}`);
  throw new CompressError('usage', sentences.join(' '));
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
