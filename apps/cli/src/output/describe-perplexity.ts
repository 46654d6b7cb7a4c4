import type { Perplexity } from '@compress/evaluate';
import { significant } from './units.ts';

/** A perplexity for people, a line a figure. */
export function describePerplexity(result: Perplexity): string[] {
  const { bitsPerByte, bytes } = result;
  return [
    `perplexity  ${significant(result.perplexity, 5)}`,
    `mean NLL    ${result.nll.toFixed(5)} ± ${result.standardError.toFixed(5)}`,
    ...(bitsPerByte === undefined ? [] : [`bits/byte   ${bitsPerByte.toFixed(5)} (${bytes} bytes)`]),
    `tokens      ${result.tokens} (${describeWindows(result)})`,
    `speed       ${significant(result.tokensPerSecond, 3)} tokens/s`,
  ];
}

/** How the text was cut: `16 windows of 1024, stride 512`. */
export function describeWindows({ windows, context, stride, scoreFrom, bos }: Perplexity): string {
  const parts = [
    `${windows} ${windows === 1 ? 'window' : 'windows'} of ${context}`,
    ...(stride === undefined ? [] : [`stride ${stride}`]),
    ...(scoreFrom === undefined ? [] : [`scored from ${scoreFrom}`]),
    ...(bos === undefined ? [] : [`token ${bos} in front`]),
  ];
  return parts.join(', ');
}
