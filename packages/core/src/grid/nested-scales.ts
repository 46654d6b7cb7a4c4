import type { GroupScales } from '@compress/kernels';
import type { StoredScales } from './grid.ts';

/** Scales that share one absmax. */
const BLOCK = 256;

/**
 * Bitsandbytes' double quantization (Dettmers et al., QLoRA, 2023): of all scales in order their mean is taken, and what is left is rounded to the
 * dynamic map times the absmax of its block. The scales returned are what a reader computes; a code whose scale would not be above 0 gives
 * way to the next.
 */
export function nestScales(from: GroupScales): StoredScales {
  const offset = Math.fround(from.scales.reduce((sum, scale) => sum + scale, 0) / Math.max(1, from.scales.length));
  const absmax = new Float32Array(Math.ceil(from.scales.length / BLOCK));
  for (const [i, scale] of from.scales.entries()) {
    const block = Math.floor(i / BLOCK);
    absmax[block] = Math.max(absmax[block], Math.abs(Math.fround(scale - offset)));
  }
  const read = (code: number, block: number) => Math.fround(Math.fround(DYNAMIC_MAP[code] * absmax[block]) + offset);
  const codes = new Uint8Array(from.scales.length);
  for (const [i, scale] of from.scales.entries()) {
    const block = Math.floor(i / BLOCK);
    let code = absmax[block] === 0 ? ZERO : nearest(Math.fround(scale - offset) / absmax[block]);
    while (!(read(code, block) > 0)) code++;
    codes[i] = code;
    from.scales[i] = read(code, block);
  }
  return { ...from, nested: { kind: 'blocks', codes, absmax, offset } };
}

/**
 * The 256 numbers of bitsandbytes' signed dynamic map, ascending: for i = 0..6 the middles of 2^i even steps from 0.1 to 1, times 10^(i - 6), of
 * either sign; 0 and 1.
 */
export const DYNAMIC_MAP: Float32Array = dynamicMap();

function dynamicMap(): Float32Array {
  const values = [0, 1];
  for (let i = 0; i < 7; i++)
    for (let step = 0; step < 2 ** i; step++) {
      const middle = (0.1 + (0.9 * (step + 0.5)) / 2 ** i) * 10 ** (i - 6);
      values.push(middle, -middle);
    }
  return Float32Array.from(values).sort();
}

const ZERO = DYNAMIC_MAP.indexOf(0);

function nearest(x: number): number {
  let code = 0;
  while (code + 1 < DYNAMIC_MAP.length && x > (DYNAMIC_MAP[code] + DYNAMIC_MAP[code + 1]) / 2) code++;
  return code;
}
