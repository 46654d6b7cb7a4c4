import { checkSweep } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
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

type Params = ParametersOf<'sweep'>;

/** `sweep`: rows are independent, each thread takes its rows through all blocks. */
export const sweep: Operation<Params> = {
  check: checkSweep,
  units: ({ weight, from, to }) => (from === to ? 0 : weight.rows),
  granule: () => STRIP,
  schedule: 'static',
  work: ({ weight, from, to }) => weight.rows * (to - from) * (2 * weight.columns - from - to + 20),
  writes: ({ weight, codes, loss }) => [weight.data, codes, loss],
  run(instance, p, from, to) {
    for (const window of laneWindows(from, to, laneCount(p.weight.columns - p.from, 1))) {
      const mark = instance.mark();
      sweepWindow(instance, p, window);
      instance.release(mark);
    }
  },
};

function sweepWindow(instance: Instance, p: Params, window: Lanes): void {
  const { weight, factor, from, to, scales, mask, codes, loss } = p;
  const { row, rows, lanes } = window;
  const columns = weight.columns;
  const blockSize = Math.min(p.blockSize, to - from);

  const weights = instance.take((columns - from) * lanes * 4);
  stageLanes(instance, weight, window, from, columns, weights);
  const masked = mask ? instance.take((to - from) * lanes + 8) : 0;
  if (mask) stageByteLanes(instance, mask, columns, window, from, to, masked);
  const coded = codes && p.grid ? instance.take((to - from) * lanes) : 0;
  const staged = scales ? stageScales(instance, scales, window) : { scales: 0, zeros: 0, group: 0 };
  const grid = stageGrid(instance, p.grid, window);
  const losses = instance.take(lanes * 8);
  instance.write(losses, loss.subarray(row, row + rows));
  const triangle = instance.take(blockSize * blockSize * 4);
  const errors = instance.take(blockSize * lanes * 4);
  const right = instance.take(packedBytes(lanes, blockSize, instance.wasm.tileColumns()));

  for (let start = from; start < to; start += blockSize) {
    const size = Math.min(blockSize, to - start);
    stageTriangle(instance, p, start, size, triangle);
    const at = (start - from) * lanes;
    for (let lane = 0; lane < lanes; lane += STRIP) {
      setGrid(instance, grid, lane);
      const strip = errors + lane * size * 4;
      instance.wasm.sweepStrip(
        size,
        weights + (at + lane) * 4,
        lanes,
        triangle,
        staged.scales + lane * 4,
        staged.zeros + lane * 4,
        staged.group + start * 4,
        masked && masked + at + lane,
        coded && coded + at + lane,
        strip,
        losses + lane * 8,
      );
      packLanes(instance, strip, STRIP * 4, size, { lane, count: STRIP, lanes }, right);
    }
    addProduct(instance, {
      left: { data: factor.data, along: 'columns', stride: columns, offset: start * columns },
      first: start + size,
      count: columns - start - size,
      depth: size,
      negate: true,
      right,
      lanes,
      target: weights + (at + size * lanes) * 4,
    });
  }
  unstageLanes(instance, weight, window, from, columns, weights);
  if (codes && coded) unstageByteLanes(instance, codes, columns, window, from, to, coded);
  instance.read(losses, loss.subarray(row, row + rows));
}

/** U[start.., start..] of one block, transposed: row c holds the coefficients of the columns before c, and the pivot. */
function stageTriangle(instance: Instance, { factor }: Params, start: number, size: number, address: number): void {
  const mark = instance.mark();
  const stage = instance.take(size * size * 4);
  stageRows(instance, { data: factor.data, stride: factor.columns }, start, size, start, size, stage);
  instance.wasm.transpose(stage, size * 4, size, size, address, size * 4);
  instance.release(mark);
}
