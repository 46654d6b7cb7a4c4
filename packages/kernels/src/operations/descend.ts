import { checkDescend } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { stageGradient } from '../wasm/gradient.ts';
import type { Instance } from '../wasm/instance.ts';
import { addProduct, packLanes } from '../wasm/lane-products.ts';
import { setGrid, stageGrid, stageScales } from '../wasm/lane-scales.ts';
import {
  type Lanes,
  laneCount,
  laneWindows,
  STRIP,
  stageByteLanes,
  stageLanes,
  unstageByteLanes,
  unstageLanes,
} from '../wasm/lanes.ts';
import { packedBytes } from '../wasm/pack.ts';
import { stageRows } from '../wasm/stage.ts';
import type { Operation } from './operation.ts';

type Params = ParametersOf<'descend'>;

/** Columns visited before the gradient of the later ones is brought up to date by one product. */
const BLOCK = 128;

/** `descend`: rows are independent. */
export const descend: Operation<Params> = {
  check: checkDescend,
  units: ({ weight }) => (weight.columns === 0 ? 0 : weight.rows),
  granule: () => STRIP,
  schedule: 'static',
  work: ({ weight }) => 3 * weight.rows * weight.columns ** 2,
  writes: ({ quantized, codes }) => [quantized.data, codes],
  run(instance, p, from, to) {
    for (const window of laneWindows(from, to, laneCount(p.weight.columns, 3))) {
      const mark = instance.mark();
      descendWindow(instance, p, window);
      instance.release(mark);
    }
  },
};

function descendWindow(instance: Instance, p: Params, window: Lanes): void {
  const { weight, hessian, quantized, codes, mask } = p;
  const { lanes } = window;
  const columns = weight.columns;

  const values = instance.take(columns * lanes * 4);
  const gradient = instance.take(columns * lanes * 4);
  stageGradient(instance, { left: quantized, right: weight, hessian }, window, values, gradient);
  stageLanes(instance, quantized, window, 0, columns, values);
  const masked = mask ? instance.take(columns * lanes + 8) : 0;
  if (mask) stageByteLanes(instance, mask, columns, window, 0, columns, masked);
  const coded = instance.take(columns * lanes + 8);
  stageByteLanes(instance, codes, columns, window, 0, columns, coded);
  const scales = stageScales(instance, p.scales, window);
  const grid = stageGrid(instance, p.grid, window);
  const block = instance.take(BLOCK * BLOCK * 4);
  const moves = instance.take(BLOCK * lanes * 4);
  const right = instance.take(packedBytes(lanes, BLOCK, instance.wasm.tileColumns()));

  for (let start = 0; start < columns; start += BLOCK) {
    const size = Math.min(BLOCK, columns - start);
    stageRows(instance, { data: hessian.data, stride: columns }, start, size, start, size, block);
    const at = start * lanes;
    for (let lane = 0; lane < lanes; lane += STRIP) {
      setGrid(instance, grid, lane);
      const strip = moves + lane * size * 4;
      instance.wasm.descendStrip(
        size,
        values + (at + lane) * 4,
        gradient + (at + lane) * 4,
        lanes,
        block,
        scales.scales + lane * 4,
        scales.zeros + lane * 4,
        scales.group + start * 4,
        masked && masked + at + lane,
        coded + at + lane,
        strip,
      );
      packLanes(instance, strip, STRIP * 4, size, { lane, count: STRIP, lanes }, right);
    }
    addProduct(instance, {
      left: { data: hessian.data, along: 'columns', stride: columns, offset: start * columns },
      first: start + size,
      count: columns - start - size,
      depth: size,
      negate: false,
      right,
      lanes,
      target: gradient + (at + size * lanes) * 4,
    });
  }
  unstageLanes(instance, quantized, window, 0, columns, values);
  unstageByteLanes(instance, codes, columns, window, 0, columns, coded);
}
