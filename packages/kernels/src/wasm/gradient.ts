import type { Matrix } from '../matrix.ts';
import type { Instance } from './instance.ts';
import { addProduct, packLanes } from './lane-products.ts';
import { type Lanes, stageLanes } from './lanes.ts';
import { packedBytes } from './pack.ts';

/** For one window of rows: `difference` holds (A - B)^T and `gradient` H (A - B)^T, both [columns][lanes]. */
export function stageGradient(
  instance: Instance,
  p: { readonly left: Matrix; readonly right: Matrix; readonly hessian: Matrix },
  window: Lanes,
  difference: number,
  gradient: number,
): void {
  const columns = p.left.columns;
  const { lanes } = window;
  stageLanes(instance, p.left, window, 0, columns, difference);
  stageLanes(instance, p.right, window, 0, columns, gradient);
  instance.wasm.subtract(difference, gradient, columns * lanes);
  instance.clear(gradient, columns * lanes * 4);
  const mark = instance.mark();
  const right = instance.take(packedBytes(lanes, columns, instance.wasm.tileColumns()));
  packLanes(instance, difference, lanes * 4, columns, { lane: 0, count: lanes, lanes }, right);
  addProduct(instance, {
    left: { data: p.hessian.data, along: 'rows', stride: columns },
    first: 0,
    count: columns,
    depth: columns,
    negate: false,
    right,
    lanes,
    target: gradient,
  });
  instance.release(mark);
}
