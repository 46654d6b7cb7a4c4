import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planWindows, type WindowOptions } from './plan-windows.ts';

const text = (length: number) => Uint32Array.from({ length }, (_, i) => 100 + i);

/** The positions in the text that are scored, and how many tokens each sees. */
function scored(length: number, options: WindowOptions): [position: number, seen: number][] {
  return planWindows(text(length), options).flatMap(({ start, tokens, from }) =>
    Array.from(tokens.keys())
      .slice(from)
      .map((position): [number, number] => [start + position, position]),
  );
}

/** The loop of transformers' guide ("Perplexity of fixed-length models"), with its labels: a label of -100 is ignored, and logits at t meet the label at t + 1. */
function transformersLoop(length: number, maxLength: number, stride: number): [number, number][] {
  const result: [number, number][] = [];
  let previousEnd = 0;
  for (let begin = 0; begin < length; begin += stride) {
    const end = Math.min(begin + maxLength, length);
    const targets = end - previousEnd;
    const labels = Array.from({ length: end - begin }, (_, i) => (i < end - begin - targets ? -100 : i));
    for (let t = 0; t + 1 < labels.length; t++) if (labels[t + 1] !== -100) result.push([begin + t + 1, t + 1]);
    previousEnd = end;
    if (end === length) break;
  }
  return result;
}

describe('planWindows', () => {
  it('without a stride takes whole windows side by side', () => {
    expect(scored(11, { context: 4 })).toEqual([1, 2, 3, 5, 6, 7].map((position) => [position, position % 4]));
    expect(planWindows(text(11), { context: 4, windows: 1 })).toEqual([{ start: 0, tokens: text(4), from: 1 }]);
  });

  it('with a stride scores what the loop of transformers scores, from as many tokens', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 60 }),
        fc.integer({ min: 2, max: 20 }),
        fc.nat(),
        (length, context, pick) => {
          const stride = 1 + (pick % context);
          expect(scored(length, { context, stride })).toEqual(transformersLoop(length, context, stride));
        },
      ),
    );
  });

  it('scores the second half of windows of 512 as llama.cpp does: 255 tokens each', () => {
    // llama.cpp: first = n_ctx / 2; the logits at first .. n_ctx - 2 meet the tokens after them.
    const positions = scored(1024, { context: 512, scoreFrom: 257 });
    expect(positions).toHaveLength(2 * 255);
    expect(positions[0]).toEqual([257, 257]);
    expect(positions[255]).toEqual([512 + 257, 257]);
  });

  it('puts a beginning token in the place of the first, and leaves the text alone', () => {
    const own = text(8);
    const windows = planWindows(own, { context: 4, bos: 7 });
    expect(windows.map(({ tokens }) => Array.from(tokens))).toEqual([
      [7, 101, 102, 103],
      [7, 105, 106, 107],
    ]);
    expect(own).toEqual(text(8));
  });

  it('refuses what cannot be', () => {
    expect(() => planWindows(text(3), { context: 4 })).toThrow(/3 tokens, which make 0 windows of 4; 1 was asked for/);
    expect(() => planWindows(text(9), { context: 4, windows: 3 })).toThrow(/make 2 windows of 4; 3 were asked for/);
    for (const wrong of [
      { context: 1 },
      { context: 4, stride: 5 },
      { context: 4, stride: 0 },
      { context: 4, windows: 0 },
      { context: 4, scoreFrom: 4 },
      { context: 4, scoreFrom: 1.5 },
      { context: 4, stride: 2, scoreFrom: 1 },
    ])
      expect(() => planWindows(text(9), wrong), JSON.stringify(wrong)).toThrow(RangeError);
  });
});
