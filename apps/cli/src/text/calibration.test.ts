import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrationWindows } from './calibration.ts';

const text = (length: number) => Uint32Array.from({ length }, (_, i) => i);
const starts = (
  tokens: number,
  recipe: { samples: number; length: number; pick: 'spread' | 'first' | 'random'; seed?: number },
) => calibrationWindows(text(tokens), recipe).sequences.map((sequence) => sequence[0]);

describe('calibrationWindows', () => {
  it('spreads windows from the first token to the last', () => {
    expect(starts(100, { samples: 4, length: 10, pick: 'spread' })).toEqual([0, 30, 60, 90]);
    expect(starts(103, { samples: 3, length: 10, pick: 'spread' })).toEqual([0, 46, 93]);
    expect(starts(100, { samples: 1, length: 10, pick: 'spread' })).toEqual([0]);
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 2, max: 50 }),
        fc.nat(5000),
        (samples, length, more) => {
          const total = length + samples - 1 + more;
          const found = starts(total, { samples, length, pick: 'spread' });
          expect(found[0]).toBe(0);
          expect(found.at(-1)).toBe(total - length);
          expect(new Set(found).size).toBe(samples);
        },
      ),
    );
  });

  it('takes the first windows side by side', () => {
    expect(starts(30, { samples: 3, length: 10, pick: 'first' })).toEqual([0, 10, 20]);
  });

  it('draws random windows by the seed alone', () => {
    const draw = (seed: number) => starts(10_000, { samples: 64, length: 16, pick: 'random', seed });
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(Math.max(...draw(3))).toBeLessThanOrEqual(10_000 - 16);
    expect(new Set(draw(3)).size).toBeGreaterThan(48);
  });

  it('gives whole windows of the text', () => {
    const { sequences } = calibrationWindows(text(100), { samples: 4, length: 10, pick: 'spread' });
    expect(sequences.map((sequence) => Array.from(sequence))).toEqual(
      [0, 30, 60, 90].map((s) => Array.from(text(10), (i) => s + i)),
    );
  });

  it('has one digest for the same windows and another for others', () => {
    const digest = (length: number, samples: number) =>
      calibrationWindows(text(64), { samples, length, pick: 'first' }).digest;
    expect(digest(8, 4)).toBe(digest(8, 4));
    expect(new Set([digest(8, 4), digest(8, 5), digest(16, 2), digest(4, 8)]).size).toBe(4);
  });

  it('says how much text there is when it is too little', () => {
    expect(() => starts(20, { samples: 3, length: 10, pick: 'first' })).toThrow(
      'The calibration text has 20 tokens; 3 windows of 10 (pick: first) need at least 30.',
    );
    expect(() => starts(9, { samples: 1, length: 10, pick: 'spread' })).toThrow('has 9 tokens');
    expect(() => starts(11, { samples: 3, length: 10, pick: 'spread' })).toThrow('need at least 12');
  });
});
