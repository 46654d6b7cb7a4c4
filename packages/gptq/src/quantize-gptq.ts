import {
  CompressError,
  columnsPerGroup,
  dequantizeWeight,
  type Factorization,
  factorizeGram,
  type Grid,
  type GridChoice,
  type GroupSize,
  type QuantizedWeight,
  quantizeWeight,
  requireFinite,
  requireZero,
  resolveGrid,
  withKernels,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';
import { floatTarget } from './float-target.ts';
import type { ColumnOrder } from './options.ts';
import { orderObjection } from './order-objection.ts';
import { sweepWeight } from './sweep-weight.ts';

/** One Linear and how to quantize it. */
export interface GptqRequest {
  /** `[out, in]`, finite. It is not changed. */
  readonly weight: Matrix;
  /** `[in, in]`, symmetric: the sum of x^T x over calibration tokens, times any constant. It is not changed. */
  readonly gram: Matrix;
  /** `[in, in]`, of the same scale as `gram`: the sum of (x - x~)^T x~, where the gram is of x~ and x is what the float model has: see {@link floatTarget}. */
  readonly crossGram?: Matrix | undefined;
  /** @default 'int4' */
  readonly grid?: Grid | GridChoice;
  /** @default 128 */
  readonly groupSize?: GroupSize;
  /** @default 'act-static' */
  readonly order?: ColumnOrder;
  /** @default 0.01 */
  readonly damping?: number;
  /** @default 128 */
  readonly blockSize?: number;
  /** Coordinate descent over the codes afterwards: how many passes. @default { sweeps: 0 }, which is plain GPTQ; that of recipes is 2. */
  readonly polish?: { readonly sweeps: number };
  /** `[out, in]`, 1 where a pruned weight must stay 0. */
  readonly mask?: Uint8Array | undefined;
  /** The Linear's name, for errors. */
  readonly layer?: string;
  /** Of the same gram, order and damping; absent: made here. Linears that share a site share it. */
  readonly factorization?: Factorization;
  /** Absent: made for this call, which costs a tenth of a second. */
  readonly kernels?: Kernels;
}

/** The codes, and what they cost. */
export interface GptqResult {
  readonly quantized: QuantizedWeight;
  /** tr((W - Q) G (W - Q)^T) for the gram as it was given; with a `crossGram`, W is the float model's target. */
  readonly loss: number;
  /** The same of rounding to nearest on the same scales. */
  readonly rtnLoss: number;
  /** The damping that was needed. */
  readonly damping: number;
  readonly warnings: Factorization['warnings'];
}

/**
 * GPTQ (Frantar et al., 2022): columns are rounded one after the other, and the error of each is made good by those that follow, as far
 * as the gram says that they can.
 *
 * Throws `CompressError`: `weight-not-finite`, `gram-not-finite`, `gram-not-positive`, `grid-invalid`, `grid-order`, `grid-without-zero`, `group-size`.
 */
export function quantizeGptq(request: GptqRequest): Promise<GptqResult> {
  return withKernels(request.kernels, (kernels) => quantize(request, kernels));
}

async function quantize(request: GptqRequest, kernels: Kernels): Promise<GptqResult> {
  const { weight: given, gram, order = 'act-static', damping = 0.01, mask, layer } = request;
  const { sweeps } = request.polish ?? { sweeps: 0 };
  const choice = resolveGrid(request.grid ?? 'int4');
  const groupSize = request.groupSize ?? 128;
  const { rows, columns } = given;
  requireFinite('weight', given, { layer });
  if (mask) requireZero(choice, layer);
  const objection = orderObjection(choice, groupSize, order);
  if (objection !== undefined) throw new CompressError('grid-order', objection, layer === undefined ? {} : { layer });
  const strongestFirst = order !== 'none';
  const factorization =
    request.factorization ?? (await factorizeGram({ gram, strongestFirst, damping, layer, kernels }));
  const { crossGram } = request;
  const weight = crossGram ? await floatTarget({ weight: given, crossGram, factorization, kernels }) : given;
  const settings = {
    ...request,
    weight,
    grid: choice,
    groupSize,
    order,
    layer,
    blockSize: request.blockSize ?? 128,
    kernels,
  };
  const { grid, scales, codes, values, loss } = await sweepWeight(settings, factorization);

  for (let i = 0; i < sweeps; i++)
    await kernels.descend({
      weight,
      hessian: gram,
      grid: grid.codes,
      scales,
      quantized: values,
      codes,
      ...(mask && { mask }),
    });
  const nearest = await quantizeWeight({ weight, grid, groupSize, scales, kernels });
  return {
    quantized: { rows, columns, grid, groupSize: columnsPerGroup(columns, groupSize), codes, scales },
    loss: sweeps === 0 ? loss : await totalLoss(weight, values, gram, kernels),
    rtnLoss: await totalLoss(weight, await dequantizeWeight(nearest, kernels), gram, kernels),
    damping: factorization.damping,
    warnings: factorization.warnings,
  };
}

async function totalLoss(left: Matrix, right: Matrix, hessian: Matrix, kernels: Kernels): Promise<number> {
  const byRow = await kernels.weightedError({ left, right, hessian });
  return byRow.reduce((sum, loss) => sum + loss, 0);
}
