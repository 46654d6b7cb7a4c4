import { IQ4_LEVELS } from '../decode/iq4.ts';
import { type BlockEncoder, putHalf, putNibbles } from './block-encoder.ts';
import { errorWeights, squareWeights } from './error-weights.ts';
import { fitScale } from './fit-scale.ts';
import { nearestCode, wholeLevels } from './levels.ts';

const LEVELS = wholeLevels([...IQ4_LEVELS]);
/** The peak may go on either end, or a little beyond or short of it. */
const REACHES = [-6, -4, -2, 0, 2, 4, 6].flatMap((step) => [-127 + step, 113 + step]);

/** The scale is searched; without `importance` large numbers count more, as the square. */
export const encodeIq4Nl: BlockEncoder = (block, output, importance) => {
  const weights = importance ? errorWeights(block, importance) : squareWeights(block);
  const d = putHalf(output, 0, fitScale(block, weights, LEVELS, REACHES));
  const codes = new Uint8Array(32);
  for (let j = 0; j < 32; j++) codes[j] = nearestCode(LEVELS, d === 0 ? 0 : block[j] / d);
  putNibbles(output, 2, codes);
};
