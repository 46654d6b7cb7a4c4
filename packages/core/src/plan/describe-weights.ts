import type { Algorithm, Objection } from '../algorithm/algorithm.ts';
import type { FloatDtype } from '../checkpoint/dtype.ts';
import type { Format } from '../format/format.ts';
import type { PlannedLinear, PlanRequest } from './plan.ts';

/** What a quantize step leaves of one Linear. */
export type Quantization = NonNullable<ReturnType<NonNullable<Algorithm['quantization']>>>;

/** What a format's configuration hangs on. */
export interface Described extends Quantization {
  readonly columns: number;
  /** That the checkpoint stores the weight in. */
  readonly dtype: FloatDtype | undefined;
}

/** What a format must know of all weights to configure readers. */
export type DescribedWeights = Omit<Parameters<Format['configuration']>[0], 'modules'>;

/** Formats that store codes describe all Linears at once, so all must have one grid and one group size (or one group a row); otherwise that is a problem. */
export function describeWeights(
  quantizations: readonly Described[],
  linears: readonly PlannedLinear[],
  { format }: Pick<PlanRequest, 'format'>,
  problems: Objection[],
): DescribedWeights | undefined {
  const [first] = quantizations;
  if (!first) return undefined;
  const uniform = quantizations.every(({ groupSize }) => groupSize === first.groupSize);
  const blocks = typeof first.scaleRows === 'number' && first.scaleRows > 1;
  const wholeRows = quantizations.every(({ groupSize, columns }) => groupSize === columns);
  const oneGrid = quantizations.every(
    ({ grid, alternatives }) => grid.name === first.grid.name && grid.bits === first.grid.bits && !alternatives?.length,
  );
  if (format.storesCodes && (!oneGrid || (!uniform && !wholeRows)))
    problems.push({
      layer: '',
      message: `The format ${format.name} holds one grid and one group size for all Linears; give all the same.`,
    });
  return {
    grid: first.grid,
    groupSize: wholeRows && !blocks ? -1 : first.groupSize,
    scaleRows: first.scaleRows ?? 1,
    ...(first.dtype && { dtype: first.dtype }),
    reordered: quantizations.some(({ reordered }) => reordered === true),
    quantized: linears.filter(({ untouched }) => untouched === undefined).map(({ layer }) => layer),
    untouched: linears.filter(({ untouched }) => untouched !== undefined).map(({ layer }) => layer),
  };
}
