import { resolve } from 'node:path';
import { compareScores, readTokenScores } from '@compress/evaluate';
import { Command } from 'commander';
import { type CommonOptions, printResult } from '../cli-context.ts';
import { significant } from '../output/units.ts';
import type { MakeCommand } from './command.ts';
import { jsonOption } from './options.ts';

export const compareCommand: MakeCommand = (context) =>
  new Command('compare')
    .description('compare two models token by token: what the second lost against the first, and how sure that is')
    .argument('<first>', 'what compress eval --per-token wrote of one model')
    .argument('<second>', 'the same of another one, on the same tokens')
    .addOption(jsonOption())
    .action(async (first: string, second: string, options: CommonOptions) => {
      const [one, other] = await Promise.all(
        [first, second].map((file) => readTokenScores(resolve(context.directory, file))),
      );
      const result = compareScores(one, other);
      const { difference, standardError, largest, nll } = result;
      const text = [
        `first       ${one.model}: mean NLL ${nll[0].toFixed(5)}`,
        `second      ${other.model}: mean NLL ${nll[1].toFixed(5)}`,
        `difference  ${signed(difference)} ± ${standardError.toFixed(5)} nats a token (${result.tokens} pairs)`,
        `perplexity  times ${significant(result.perplexityRatio, 5)}`,
        `worse       ${significant(100 * result.worse, 3)} % of the tokens`,
        `largest     ${signed(largest.difference)} nats, token ${largest.position} of the text`,
      ];
      printResult(context, options, { models: [one.model, other.model], ...result }, text.join('\n'));
    });

const signed = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(5)}`;
