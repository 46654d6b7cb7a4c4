import { checkNorm } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { Instance } from '../wasm/instance.ts';
import { ELEMENT_WORK, forEachWindow, stage, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

type RmsNorm = ParametersOf<'rmsNorm'>;
type LayerNorm = ParametersOf<'layerNorm'>;
type Norm = RmsNorm | LayerNorm;

const byRows = {
  check: checkNorm,
  units: ({ input }: Norm) => (input.columns === 0 ? 0 : input.rows),
  work: ({ input }: Norm) => input.data.length * ELEMENT_WORK,
  writes: ({ output }: Norm) => [output.data],
};

/** {@link Kernels.rmsNorm} */
export const rmsNorm: Operation<RmsNorm> = {
  ...byRows,
  run(instance, p, from, to) {
    const gain = stage(instance, p.unitOffset ? p.gain.map((g) => g + 1) : p.gain);
    passRows(instance, p, from, to, (x, rows) => instance.wasm.rmsNorm(x, rows, p.input.columns, gain, p.epsilon));
  },
};

/** {@link Kernels.layerNorm} */
export const layerNorm: Operation<LayerNorm> = {
  ...byRows,
  run(instance, p, from, to) {
    const gain = stage(instance, p.gain);
    const bias = stage(instance, p.bias ?? new Float32Array(p.input.columns));
    passRows(instance, p, from, to, (x, rows) =>
      instance.wasm.layerNorm(x, rows, p.input.columns, gain, bias, p.epsilon),
    );
  },
};

/** Rows go through a window, in which `norm` works in place. */
function passRows(
  instance: Instance,
  { input, output }: Norm,
  from: number,
  to: number,
  norm: (x: number, rows: number) => void,
): void {
  const n = input.columns;
  const window = takeWindow(instance, windowUnits(to - from, n * 4) * n, 4);
  forEachWindow(from, to, n * 4, (first, rows) => {
    instance.write(window, input.data.subarray(first * n, (first + rows) * n));
    norm(window, rows);
    instance.read(window, output.data.subarray(first * n, (first + rows) * n));
  });
}
