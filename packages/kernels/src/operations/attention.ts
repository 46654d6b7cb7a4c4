import { checkAttention } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { Matrix } from '../matrix.ts';
import type { Instance } from '../wasm/instance.ts';
import { stageRows, unstageRows } from '../wasm/stage.ts';
import { stage, takeWindow } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

type Params = ParametersOf<'attention'>;

/** Bytes of queries of one sequence that are staged together: several heads of it, unless it is long. */
const STAGE = 16 * 1024 * 1024;

/** More than any context, and small enough for the kernel's arithmetic of positions. */
const NO_WINDOW = 2 ** 30;

/** {@link Kernels.attention}. A unit is one head of one sequence. */
export const attention: Operation<Params> = {
  check: checkAttention,
  units: ({ queries, heads, length }) => (queries.data.length === 0 ? 0 : (queries.rows / length) * heads),
  work: ({ queries, length, offset = 0, window = offset + length }) =>
    4 * queries.data.length * Math.min(window, offset + length),
  writes: ({ output }) => [output.data],
  run(instance, p, from, to) {
    const headBytes = (p.queries.columns / p.heads) * p.length * 4;
    const most = Math.max(1, Math.floor(STAGE / headBytes));
    for (let unit = from, end: number; unit < to; unit = end) {
      const sequence = Math.floor(unit / p.heads);
      end = Math.min(to, unit + most, (sequence + 1) * p.heads);
      const mark = instance.mark();
      attendHeads(instance, p, sequence, unit - sequence * p.heads, end - sequence * p.heads);
      instance.release(mark);
    }
  },
};

/** Heads [from, to) of one sequence. The output takes the place of the queries in their window. */
function attendHeads(instance: Instance, p: Params, sequence: number, from: number, to: number): void {
  const { queries, keys, heads, keyHeads, length, offset = 0, aged } = p;
  const d = queries.columns / heads;
  const keyHead = (head: number) => Math.floor((head * keyHeads) / heads);
  const firstKeyHead = keyHead(from);
  const columns = (to - from) * d;
  const keyColumns = (keyHead(to - 1) + 1 - firstKeyHead) * d;
  const row = sequence * length;
  const keyRows = offset + length;

  const stageKeys = ({ data }: Matrix): number => {
    const from = { data, stride: keys.columns };
    const address = takeWindow(instance, keyRows * keyColumns, 4);
    stageRows(instance, from, sequence * keyRows, keyRows, firstKeyHead * d, keyColumns, address);
    return address;
  };
  const q = takeWindow(instance, length * columns, 4);
  stageRows(instance, { data: queries.data, stride: queries.columns }, row, length, from * d, columns, q);
  const [k, v] = [stageKeys(keys), stageKeys(p.values)];
  const [agedKeys, agedValues] = aged ? [stageKeys(aged.keys), stageKeys(aged.values)] : [0, 0];
  const [keyCounts, valueCounts] = aged ? [stage(instance, aged.keyCounts), stage(instance, aged.valueCounts)] : [0, 0];
  const scratch = instance.take(instance.wasm.attentionScratch(d));
  for (let head = from; head < to; head++) {
    const own = q + (head - from) * d * 4;
    const shared = (keyHead(head) - firstKeyHead) * d * 4;
    const window = Math.min(p.window ?? NO_WINDOW, NO_WINDOW);
    instance.wasm.attendHead(
      own,
      columns * 4,
      k + shared,
      v + shared,
      keyColumns * 4,
      aged ? agedKeys + shared : 0,
      agedValues + shared,
      keyCounts,
      valueCounts,
      length,
      offset,
      d,
      p.scale,
      window,
      own,
      columns * 4,
      scratch,
    );
  }
  unstageRows(instance, { data: p.output.data, stride: queries.columns }, row, length, from * d, columns, q);
}
