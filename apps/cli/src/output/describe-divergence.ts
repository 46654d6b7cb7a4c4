import type { Divergence, GreedyAgreement } from '@compress/evaluate';
import { significant } from './units.ts';

/** A divergence in a line. */
export function summarizeDivergence({ kl, top1Agreement }: Pick<Divergence, 'kl' | 'top1Agreement'>): string {
  const figure = (value: number) => significant(value, 3);
  return `KL ${figure(kl.mean)} nats (99 % ${figure(kl.p99)}, max ${figure(kl.max)}), top token the same for ${significant(100 * top1Agreement, 4)} %`;
}

/** A divergence for people, a line a figure. */
export function describeDivergence(reference: string, divergence: Divergence): string[] {
  const { kl, top1Agreement, flips, agreedTokens, sections } = divergence;
  const figure = (value: number) => significant(value, 4);
  const lines = [
    `reference   ${reference}`,
    `KL          mean ${figure(kl.mean)} ± ${figure(kl.standardError)}, median ${figure(kl.median)}, 99 % ${figure(kl.p99)}, max ${figure(kl.max)} nats (token ${kl.maxPosition})`,
    `top token   the same for ${significant(100 * top1Agreement, 4)} %; ${flips.all} flips, ${flips.lost} away from the text and ${flips.won} to it`,
    `agreed      the first ${significant(agreedTokens.mean, 4)} scored tokens of a window on average, at least ${agreedTokens.least}; ${agreedTokens.whole} windows to the end`,
  ];
  const last = sections.at(-1);
  if (last === undefined) return lines;
  const worst = sections.reduce((least, section) => (section.mean < least.mean ? section : least));
  return [
    ...lines,
    `cosine      ${last.mean.toFixed(5)} after ${last.section}, least ${worst.mean.toFixed(5)} after ${worst.section} (--json lists every section)`,
  ];
}

/** In a line, how long two models say the same. */
export function describeGreedy({ prompts, tokens, agreed, whole }: GreedyAgreement): string {
  return `greedy      the first ${significant(agreed.mean, 4)} of ${tokens} new tokens are the same on average (median ${agreed.median}, least ${agreed.least}); after ${whole} of ${prompts} windows all`;
}
