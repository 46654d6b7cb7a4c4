import type { Algorithm, Objection } from '../algorithm/algorithm.ts';
import type { FloatDtype } from '../checkpoint/dtype.ts';
import type { Format } from '../format/format.ts';
import type { Grid } from '../grid/grid.ts';
import type { PlannedLinear, PlanRequest } from './plan.ts';

/** What a quantize step leaves of one Linear. */
export type Quantization = NonNullable<ReturnType<NonNullable<Algorithm['quantization']>>>;

/** What a format's configuration hangs on. */
export interface Described extends Quantization {
  readonly layer: string;
  readonly columns: number;
  /** That the checkpoint stores the weight in. */
  readonly dtype: FloatDtype | undefined;
}

/** What a format must know of all weights to configure readers. */
export type DescribedWeights = Omit<Parameters<Format['configuration']>[0], 'modules'>;

/** All grids that some Linear is on, or may get: each once. */
export function gridsOf(quantizations: readonly Quantization[]): Grid[] {
  const grids = quantizations.flatMap(({ grid, alternatives = [] }) => [grid, ...alternatives]);
  return [...new Map(grids.map((grid) => [`${grid.name} of ${grid.bits} bits`, grid])).values()];
}

/**
 * Formats that store codes describe all Linears together, so that all must have one group size (or one group a row), and one grid unless the format mixes; otherwise that
 * is a problem. Where a survey decides between grids, the first of them stands for what it will be.
 */
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
  const grids = gridsOf(quantizations);
  const mixed = grids.length > 1;
  const message = format.storesCodes
    ? ((mixed ? limitOfMixing(format, grids) : undefined) ?? (uniform || wholeRows ? undefined : oneSize(format)))
    : undefined;
  if (message !== undefined) problems.push({ layer: '', message });
  return {
    grid: first.grid,
    ...(mixed && { grids: new Map(quantizations.map(({ layer, grid }) => [layer, grid])) }),
    groupSize: wholeRows && !blocks ? -1 : first.groupSize,
    scaleRows: first.scaleRows ?? 1,
    ...(first.dtype && { dtype: first.dtype }),
    reordered: quantizations.some(({ reordered }) => reordered === true),
    quantized: linears.filter(({ untouched }) => untouched === undefined).map(({ layer }) => layer),
    untouched: linears.filter(({ untouched }) => untouched !== undefined).map(({ layer }) => layer),
  };
}

function limitOfMixing({ name, mixes, consumers = [] }: Format, grids: readonly Grid[]): string | undefined {
  if (mixes) return mixes.limit(grids);
  const readers = consumers.map((consumer) => consumer.name).join(', ');
  return `Readers of the format ${name}${readers && ` (${readers})`} take one grid for all Linears: give all the same, or choose the format "compressed-tensors" or "dense".`;
}

function oneSize({ name }: Format): string {
  return `The format ${name} holds one group size for all Linears; give all the same.`;
}
