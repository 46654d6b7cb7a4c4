import { expect, test } from 'vitest';
import { FLOAT8_E4M3 } from '../checkpoint/float8.ts';
import { roundRowsToE4m3 } from './round-rows-to-e4m3.ts';

const levels = [...FLOAT8_E4M3].filter(Number.isFinite);

/** The nearest of all 253 numbers; of two the one whose byte is even. */
function nearest(x: number): number {
  let best = 0;
  for (const [byte, level] of FLOAT8_E4M3.entries()) {
    const [distance, least] = [Math.abs(x - level), Math.abs(x - FLOAT8_E4M3[best])];
    if (distance < least || (distance === least && byte % 2 === 0)) best = byte;
  }
  return FLOAT8_E4M3[best];
}

function round(data: number[], scale: 'token' | number): Float32Array {
  const output = { rows: 1, columns: data.length, data: new Float32Array(data.length) };
  roundRowsToE4m3({ ...output, data: Float32Array.from(data) }, scale, output);
  return output.data;
}

test('with scale 1 every number, every middle of two, and what lies beside them, becomes the nearest', () => {
  const ascending = [...new Set(levels)].sort((a, b) => a - b);
  const middles = ascending.slice(1).map((level, i) => (level + ascending[i]) / 2);
  const around = middles.flatMap((middle) => [middle, middle * (1 + 2 ** -20), middle * (1 - 2 ** -20)]);
  const given = [...ascending, ...around, 449, -1e9, 2 ** -40];
  // -0 and 0 are one number here.
  expect([...round(given, 1)].map((x) => x + 0)).toEqual(given.map((x) => nearest(Math.fround(x)) + 0));
});

test('a row has the scale of its largest magnitude, or the one that is given', () => {
  expect([...round([-896, 1, 3.25], 'token')]).toEqual([-896, 1, 3.25]);
  expect([...round([-896, 2.1], 4)]).toEqual([-896, 2]);
  expect([...round([-9000, 2.1], 4)]).toEqual([-1792, 2]);
  expect([...round([0, 0], 'token')]).toEqual([0, 0]);
});
