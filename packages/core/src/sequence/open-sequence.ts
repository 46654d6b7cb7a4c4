import { CompressError } from '../errors.ts';
import { emptyPast } from '../inference/attention-cache.ts';
import type { Batch } from '../model/model.ts';
import { runSection } from '../walk/run-section.ts';
import type { HeldModel } from './hold-model.ts';

/** A sequence that grows, with the cache of its keys and values. */
export interface Sequence {
  readonly tokens: number;
  /** Bytes that the caches of all sections hold. */
  readonly cacheBytes: number;
  /**
   * Runs the next tokens, and gives the logits of what comes after the last of them: `[vocabulary]`, the caller's own. Throws `CompressError`
   * `sequence-too-long` beyond the model's context, `token-unknown`.
   */
  append(tokens: Uint32Array): Promise<Float32Array>;
}

/**
 * An empty sequence of a model. Each `append` costs the forward pass of its own tokens, with what lies behind them read from the cache, which is held as the model's
 * inference says. Where the model cannot go on (LongRoPE, once it passes the length that its short factors are for), the sequence is run again from its start.
 */
export function openSequence({ model, kernels, sections }: HeldModel): Sequence {
  const known: number[] = [];
  let past = emptyPast();

  async function run(tokens: Uint32Array): Promise<Float32Array> {
    const length = tokens.length;
    const hidden = kernels.matrix(length, model.hiddenSize);
    const batch: Batch = { sequences: 1, length, tokens, hidden, state: new Map(), past };
    for (const { section, weights, program } of sections) {
      if (section.kind !== 'head') {
        await runSection(program, weights, batch, kernels);
        continue;
      }
      past.tokens += length;
      const last = { rows: 1, columns: hidden.columns, data: hidden.data.subarray((length - 1) * hidden.columns) };
      return (await model.logits(program, weights, last, kernels)).data;
    }
    throw new TypeError('the model has no head');
  }

  return {
    get tokens() {
      return past.tokens;
    },
    get cacheBytes() {
      return [...past.caches.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    },
    async append(tokens) {
      if (tokens.length === 0) throw new RangeError('there are no tokens to append');
      const end = past.tokens + tokens.length;
      if (end > model.contextLength)
        throw new CompressError(
          'sequence-too-long',
          `A sequence of ${end} tokens is longer than the model's context of ${model.contextLength}; use a shorter one.`,
        );
      const goesOn = past.tokens === 0 || (model.continues?.(past.tokens, end) ?? true);
      if (!goesOn) past = emptyPast();
      const ran = goesOn ? tokens : Uint32Array.of(...known, ...tokens);
      known.push(...tokens);
      return run(ran);
    },
  };
}
