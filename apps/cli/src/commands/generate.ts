import { CompressError, holdModel } from '@compress/core';
import { type Generation, generate, type Sampling } from '@compress/evaluate';
import { openTokenizer } from '@compress/models';
import { Command } from 'commander';
import { type CommonOptions, printResult, withKernels } from '../cli-context.ts';
import { openModel } from '../model/open-model.ts';
import { readStopTokens } from '../model/read-stop-tokens.ts';
import { formatBytes, formatSeconds, significant } from '../output/units.ts';
import { streamText } from '../text/stream-text.ts';
import type { MakeCommand } from './command.ts';
import { jsonOption, numberOver, threadsOption, wholeNumber } from './options.ts';

interface GenerateOptions extends CommonOptions {
  readonly prompt: string;
  readonly tokens: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed?: number;
}

export const generateCommand: MakeCommand = (context) =>
  new Command('generate')
    .description('let a model go on from a text, as its folder says: with its cache, rotations and rounded activations')
    .argument('<model>', 'a folder or a hub id (owner/name or owner/name@revision)')
    .requiredOption('--prompt <text>', 'the text to go on from')
    .option('--tokens <n>', 'at most so many new tokens', wholeNumber(1), 100)
    .option(
      '--temperature <t>',
      'draw tokens from softmax(logits / t) (default: the likeliest each time)',
      numberOver(0),
    )
    .option('--top-k <k>', 'draw from the k likeliest tokens', wholeNumber(1))
    .option('--top-p <p>', 'draw from the fewest tokens whose probabilities sum to p', numberOver(0, 1))
    .option('--seed <s>', 'the same seed draws the same tokens (default: 0)', wholeNumber(0))
    .addOption(jsonOption())
    .addOption(threadsOption())
    .action(async (name: string, options: GenerateOptions) => {
      const { directory, progress, signal, stdout } = context;
      const sampling = samplingOf(options);
      const opened = await openModel(name, { directory, note: progress.log });
      try {
        const { folder, model, checkpoint } = opened;
        const tokenizer = await openTokenizer(folder);
        const stop = await readStopTokens(folder);
        const prompt = tokenizer.encode(options.prompt, { special: true });
        if (prompt.length === 0) throw new CompressError('usage', 'The prompt has no tokens: give it some text.');
        const stream = streamText(tokenizer, prompt);
        let text = '';
        const show = (piece: string) => {
          text += piece;
          if (!options.json && piece !== '') stdout(piece);
        };
        const result = await withKernels(options, async (kernels) => {
          const held = await holdModel({
            model,
            checkpoint,
            kernels,
            signal,
            onProgress: ({ done, total }) => progress.update({ label: 'Reading the model', share: done / total }),
          });
          progress.clear();
          return generate({
            held,
            prompt,
            tokens: options.tokens,
            ...(sampling && { sampling }),
            stop,
            signal,
            onToken: (token) => show(stream.push(token)),
          });
        });
        show(stream.end());
        if (options.json) {
          const { tokens, ...numbers } = result;
          const said = { model: name, prompt: options.prompt, text, tokens: [...tokens], sampling: sampling ?? null };
          printResult(context, options, { ...said, ...numbers, ...speeds(result) }, '');
        } else {
          // What the model said goes on stdout alone, so that it can be piped.
          stdout('\n');
          progress.log(describe(result, sampling));
        }
      } finally {
        await opened.checkpoint.close();
      }
    });

/** Drawing of tokens, or undefined for the likeliest each time. Throws `CompressError` `usage` for what would have no effect. */
function samplingOf({ temperature, topK, topP, seed }: GenerateOptions): Sampling | undefined {
  const drawn = topK ?? topP ?? seed;
  if (temperature === undefined) {
    if (drawn === undefined) return undefined;
    throw new CompressError(
      'usage',
      '--top-k, --top-p and --seed say how tokens are drawn: give --temperature with them.',
    );
  }
  return {
    temperature,
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    seed: seed ?? 0,
  };
}

/** Tokens a second of the two kinds of work; null where there was none. */
function speeds({ promptTokens, promptSeconds, decodedTokens, decodeSeconds }: Generation) {
  return {
    promptTokensPerSecond: promptTokens / promptSeconds,
    decodeTokensPerSecond: decodedTokens === 0 ? null : decodedTokens / decodeSeconds,
  };
}

const ends: Readonly<Record<Generation['end'], string>> = {
  stop: 'the model ended its text',
  length: 'as many tokens as asked for',
  context: "the model's context is full",
};

function describe(result: Generation, sampling: Sampling | undefined): string {
  const { tokens, promptTokens, promptSeconds, decodedTokens, decodeSeconds, cachedTokens, cacheBytes, end } = result;
  const { promptTokensPerSecond: read, decodeTokensPerSecond: decoded } = speeds(result);
  const speed = (perSecond: number) => `${significant(perSecond, 3)} tokens/s`;
  return [
    `prompt   ${promptTokens} tokens in ${formatSeconds(promptSeconds)}, ${speed(read)}`,
    ...(decoded === null
      ? []
      : [`decode   ${decodedTokens} tokens in ${formatSeconds(decodeSeconds)}, ${speed(decoded)}`]),
    `cache    ${formatBytes(cacheBytes)} for ${cachedTokens} tokens`,
    `end      ${tokens.length} new tokens, ${sampling ? `drawn with seed ${sampling.seed}` : 'the likeliest each time'}; ${ends[end]}`,
  ].join('\n');
}
