import { createHash } from 'node:crypto';
import type { RandomStream } from './random.ts';
import { exactNormal } from './random-normal.ts';
import { xoshiro128StarStar } from './random-xoshiro.ts';

const UNIFORM_STEPS = 2 ** 53;

/**
 * A stream for one purpose: other `seedParts` (a seed, the names of an algorithm and of a site, ...) give another, unrelated stream.
 * xoshiro128** seeded by SHA-256; no transcendental function is called, so that no engine's `Math` can change a bit.
 */
export function randomStream(...seedParts: readonly (string | number)[]): RandomStream {
  const digest = createHash('sha256').update(JSON.stringify(seedParts)).digest();
  const next = xoshiro128StarStar([0, 4, 8, 12].map((at) => digest.readUInt32LE(at)));
  const bits53 = () => (next() >>> 5) * 2 ** 26 + (next() >>> 6);
  const uniform = () => bits53() / UNIFORM_STEPS;
  return {
    uniform,
    integer(bound) {
      if (!Number.isSafeInteger(bound) || bound < 1)
        throw new RangeError(`bound is ${bound} but must be an integer >= 1`);
      // The last, incomplete run of `bound` numbers is drawn again: every result is equally likely.
      const complete = UNIFORM_STEPS - (UNIFORM_STEPS % bound);
      let drawn = bits53();
      while (drawn >= complete) drawn = bits53();
      return drawn % bound;
    },
    normal: () => exactNormal(uniform),
  };
}
