import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { Instance } from './instance.ts';
import { DEPTH_BLOCK } from './pack.ts';
import { stageRows, unstageRows } from './stage.ts';
import { forEachWindow, stage, takeWindow, windowUnits } from './windows.ts';

/** Rows of weights that the kernel takes at a time. */
const ROWS = 16;

/**
 * `linear` for few rows of input: outputs [from, to) of each, straight from the weights as they are stored, a window of them after the other. The bits are those of
 * {@link product}, which packs the weights first and so needs many rows to be worth it.
 */
export function rowProducts(instance: Instance, p: ParametersOf<'linear'>, from: number, to: number): void {
  const { input, weight, bias, output, accumulate = false } = p;
  const depth = weight.columns;
  const most = Math.ceil(windowUnits(to - from, depth * 4, ROWS) / ROWS) * ROWS;
  const weights = takeWindow(instance, most * depth, 4);
  const sums = takeWindow(instance, most, 4);
  const biases = bias && takeWindow(instance, most, 4);
  const inputs = stage(instance, input.data);
  const target = { data: output.data, stride: output.columns };
  forEachWindow(
    from,
    to,
    depth * 4,
    (first, count) => {
      instance.write(weights, weight.data.subarray(first * depth, (first + count) * depth));
      if (bias && biases !== undefined) instance.write(biases, bias.subarray(first, first + count));
      for (let row = 0; row < input.rows; row++) {
        if (accumulate) stageRows(instance, target, row, 1, first, count, sums);
        else instance.clear(sums, count * 4);
        if (biases !== undefined) instance.wasm.addRow(sums, count * 4, 1, count, biases);
        instance.wasm.addRowProduct(weights, count, depth, DEPTH_BLOCK, inputs + row * depth * 4, sums);
        unstageRows(instance, target, row, 1, first, count, sums);
      }
    },
    ROWS,
  );
}
