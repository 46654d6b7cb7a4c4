import type { CodeGrid, GroupScales } from './code-grid.ts';
import type { Int8Rows } from './int8-rows.ts';
import type { Kernels } from './kernels.ts';
import type { Matrix } from './matrix.ts';

/** The parameter object of one operation. */
export type ParametersOf<
  Name extends
    | 'linear'
    | 'linears'
    | 'linearInt8'
    | 'multiply'
    | 'gram'
    | 'inverseFactor'
    | 'sweep'
    | 'descend'
    | 'fitScales'
    | 'quantize'
    | 'dequantize'
    | 'weightedError'
    | 'rmsNorm'
    | 'layerNorm'
    | 'rotate'
    | 'hadamard'
    | 'attention'
    | 'fakeQuantize'
    | 'quantizeInt8'
    | 'activate'
    | 'add'
    | 'logSoftmaxPick'
    | 'decode'
    | 'encode'
    | 'pack'
    | 'unpack',
> = Parameters<Kernels[Name]>[0];

/** Shapes of every operation's operands: each check throws a `RangeError` that names the operand, what it is and what it must be. */

function checkMatrix(name: string, matrix: Matrix, rows = matrix.rows, columns = matrix.columns): void {
  if (matrix.rows !== rows || matrix.columns !== columns)
    throw new RangeError(`${name} is [${matrix.rows}, ${matrix.columns}] but must be [${rows}, ${columns}]`);
  checkLength(`${name}.data`, matrix.data, rows * columns);
}

function checkLength(name: string, array: ArrayLike<number> | undefined, length: number): void {
  if (array !== undefined && array.length !== length)
    throw new RangeError(`${name} has ${array.length} elements but must have ${length}`);
}

function checkInteger(name: string, value: number, low: number, high = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new RangeError(`${name} is ${value} but must be an integer of ${low}..${high}`);
}

function checkGrid(grid: CodeGrid, rows: number): void {
  if (grid.kind === 'integer') {
    checkInteger('grid.maxCode', grid.maxCode, 1, 255);
    return;
  }
  if (grid.kind === 'tables') checkMatrix('grid.levels', grid.levels, rows);
  const levels = grid.kind === 'table' ? grid.levels : grid.levels.data;
  const count = grid.kind === 'table' ? grid.levels.length : grid.levels.columns;
  checkInteger('grid.levels.length', count, 1, 256);
  for (let i = 1; i < levels.length; i++)
    if (i % count !== 0 && !(levels[i - 1] < levels[i]))
      throw new RangeError(`grid.levels must ascend, and do not at ${i}`);
}

function checkScales(scales: GroupScales, rows: number, columns: number): void {
  checkLength('scales.scales', scales.scales, rows * scales.groups);
  checkLength('scales.zeros', scales.zeros, rows * scales.groups);
  checkLength('scales.group', scales.group, columns);
  for (let c = 0; c < columns; c++)
    if (scales.group[c] >= scales.groups)
      throw new RangeError(`scales.group[${c}] is ${scales.group[c]} but there are ${scales.groups} groups`);
}

export function checkSquare(name: string, matrix: Matrix): void {
  checkMatrix(name, matrix, matrix.rows, matrix.rows);
}

export function checkLinear({ input, weight, bias, output }: ParametersOf<'linear'>): void {
  checkMatrix('input', input);
  checkMatrix('weight', weight, weight.rows, input.columns);
  checkLength('bias', bias, weight.rows);
  checkMatrix('output', output, input.rows, weight.rows);
}

export function checkLinears({ input, linears }: ParametersOf<'linears'>): void {
  for (const [i, { weight, bias, output }] of linears.entries()) {
    checkMatrix('input', input);
    checkMatrix(`linears[${i}].weight`, weight, weight.rows, input.columns);
    checkLength(`linears[${i}].bias`, bias, weight.rows);
    checkMatrix(`linears[${i}].output`, output, input.rows, weight.rows);
  }
}

/** (-128)^2 times more than this can exceed an i32. */
const MOST_INTEGER_COLUMNS = 2 ** 17 - 1;

export function checkLinearInt8({ input, weight, bias, output }: ParametersOf<'linearInt8'>): void {
  checkInteger('input.columns', input.columns, 0, MOST_INTEGER_COLUMNS);
  checkInt8('input', input, input.rows, input.columns);
  checkInt8('weight', weight, weight.rows, input.columns);
  checkLength('bias', bias, weight.rows);
  checkMatrix('output', output, input.rows, weight.rows);
}

function checkInt8(name: string, matrix: Int8Rows, rows: number, columns: number): void {
  if (matrix.rows !== rows || matrix.columns !== columns)
    throw new RangeError(`${name} is [${matrix.rows}, ${matrix.columns}] but must be [${rows}, ${columns}]`);
  checkLength(`${name}.codes`, matrix.codes, rows * columns);
  checkLength(`${name}.scales`, matrix.scales, rows);
}

export function checkFakeQuantize({ input, output, ...p }: ParametersOf<'fakeQuantize'>): void {
  checkRounding(input, p);
  checkMatrix('output', output, input.rows, input.columns);
}

export function checkQuantizeInt8({ input, output, ...p }: ParametersOf<'quantizeInt8'>): void {
  checkRounding(input, p);
  checkInt8('output', output, input.rows, input.columns);
}

function checkRounding(input: Matrix, { bits, scale }: { readonly bits: number; readonly scale: 'token' | number }) {
  checkMatrix('input', input);
  checkInteger('bits', bits, 2, 8);
  if (scale !== 'token' && !(Math.fround(scale) >= 2 ** -126 && Math.fround(scale) < Number.POSITIVE_INFINITY))
    throw new RangeError(`scale is ${scale} but must be "token" or a positive normal f32`);
}

export function checkMultiply({ left, right, output }: ParametersOf<'multiply'>): void {
  checkMatrix('left', left);
  checkMatrix('right', right, left.columns, right.columns);
  checkMatrix('output', output, left.rows, right.columns);
}

export function checkGram({ input, output }: ParametersOf<'gram'>): void {
  checkMatrix('input', input);
  checkMatrix('output', output, input.columns, input.columns);
}

export function checkInverseFactor({ hessian, output }: ParametersOf<'inverseFactor'>): void {
  checkSquare('hessian', hessian);
  checkMatrix('output', output, hessian.rows, hessian.rows);
}

export function checkSweep({
  weight,
  factor,
  from,
  to,
  blockSize,
  grid,
  scales,
  mask,
  codes,
  loss,
}: ParametersOf<'sweep'>): void {
  const { rows, columns } = weight;
  checkMatrix('weight', weight);
  checkMatrix('factor', factor, columns, columns);
  checkInteger('to', to, 0, columns);
  checkInteger('from', from, 0, to);
  checkInteger('blockSize', blockSize, 1);
  if ((grid === undefined) !== (scales === undefined))
    throw new RangeError('grid and scales come together or not at all');
  if (grid) checkGrid(grid, rows);
  if (scales) checkScales(scales, rows, columns);
  checkLength('mask', mask, rows * columns);
  checkLength('codes', codes, rows * columns);
  checkLength('loss', loss, rows);
}

export function checkDescend({ weight, hessian, grid, scales, quantized, codes, mask }: ParametersOf<'descend'>): void {
  const { rows, columns } = weight;
  checkMatrix('weight', weight);
  checkMatrix('hessian', hessian, columns, columns);
  checkGrid(grid, rows);
  checkScales(scales, rows, columns);
  checkMatrix('quantized', quantized, rows, columns);
  checkLength('codes', codes, rows * columns);
  checkLength('mask', mask, rows * columns);
}

export function checkFitScales({ weight, fit, scales }: ParametersOf<'fitScales'>): void {
  checkMatrix('weight', weight);
  checkGrid(fit.grid, weight.rows);
  checkInteger('fit.steps', fit.steps, 0);
  if (fit.symmetric && fit.grid.kind === 'integer' && fit.grid.maxCode % 2 === 0) {
    throw new RangeError(`fit.grid.maxCode is ${fit.grid.maxCode} but must be odd for symmetric codes`);
  }
  checkLength('fit.importance', fit.importance, weight.columns);
  checkScales(scales, weight.rows, weight.columns);
}

export function checkQuantize({ weight, grid, scales, codes }: ParametersOf<'quantize'>): void {
  checkMatrix('weight', weight);
  checkGrid(grid, weight.rows);
  checkScales(scales, weight.rows, weight.columns);
  checkLength('codes', codes, weight.rows * weight.columns);
}

export function checkDequantize({ codes, grid, scales, output }: ParametersOf<'dequantize'>): void {
  checkMatrix('output', output);
  checkGrid(grid, output.rows);
  checkScales(scales, output.rows, output.columns);
  checkLength('codes', codes, output.rows * output.columns);
}

export function checkWeightedError({ left, right, hessian }: ParametersOf<'weightedError'>): void {
  checkMatrix('left', left);
  checkMatrix('right', right, left.rows, left.columns);
  checkMatrix('hessian', hessian, left.columns, left.columns);
}

export function checkNorm({
  input,
  gain,
  bias,
  output,
}: {
  input: Matrix;
  gain: Float32Array;
  bias?: Float32Array;
  output: Matrix;
}): void {
  checkMatrix('input', input);
  checkLength('gain', gain, input.columns);
  checkLength('bias', bias, input.columns);
  checkMatrix('output', output, input.rows, input.columns);
}

export function checkRotate({ values, heads, length, offset = 0, rotary }: ParametersOf<'rotate'>): void {
  checkMatrix('values', values);
  checkInteger('heads', heads, 1);
  checkInteger('length', length, 1);
  checkInteger('offset', offset, 0);
  if (values.columns % heads !== 0)
    throw new RangeError(`values has ${values.columns} columns but must have a multiple of ${heads} heads`);
  checkInteger('rotary.dimensions', rotary.dimensions, 0, values.columns / heads);
  if (rotary.dimensions % 2 !== 0) throw new RangeError(`rotary.dimensions is ${rotary.dimensions} but must be even`);
  checkMatrix('rotary.cos', rotary.cos, rotary.cos.rows, rotary.dimensions / 2);
  checkMatrix('rotary.sin', rotary.sin, rotary.cos.rows, rotary.dimensions / 2);
  const positions = Math.min(values.rows, length) + offset;
  if (values.rows > 0 && rotary.cos.rows < positions)
    throw new RangeError(`rotary.cos has ${rotary.cos.rows} positions but must have ${positions}`);
}

export function checkHadamard({ input, size, factor, output }: ParametersOf<'hadamard'>): void {
  checkMatrix('input', input);
  checkInteger('size', size, 1);
  if (input.columns % size !== 0) throw new RangeError(`size is ${size} but must divide ${input.columns} columns`);
  if (factor) checkSquare('factor', factor);
  const inner = size / (factor?.rows ?? 1);
  if (!Number.isInteger(Math.log2(inner)))
    throw new RangeError(`size is ${size} but must be a power of two times the ${factor?.rows ?? 1} rows of factor`);
  checkMatrix('output', output, input.rows, input.columns);
}

export function checkAttention({
  queries,
  keys,
  values,
  heads,
  keyHeads,
  length,
  offset = 0,
  window,
  aged,
  output,
}: ParametersOf<'attention'>): void {
  checkMatrix('queries', queries);
  checkInteger('heads', heads, 1);
  checkInteger('keyHeads', keyHeads, 1, heads);
  if (heads % keyHeads !== 0) throw new RangeError(`heads is ${heads} but must be a multiple of ${keyHeads} keyHeads`);
  if (queries.columns % heads !== 0)
    throw new RangeError(`queries has ${queries.columns} columns but must have a multiple of ${heads} heads`);
  checkInteger('length', length, 1);
  checkInteger('offset', offset, 0);
  if (queries.rows % length !== 0)
    throw new RangeError(`queries has ${queries.rows} rows but must have a multiple of length ${length}`);
  const keyColumns = (queries.columns / heads) * keyHeads;
  const keyRows = (queries.rows / length) * (offset + length);
  checkMatrix('keys', keys, keyRows, keyColumns);
  checkMatrix('values', values, keyRows, keyColumns);
  if (window !== undefined) checkInteger('window', window, 1);
  if (aged) {
    checkMatrix('aged.keys', aged.keys, keyRows, keyColumns);
    checkMatrix('aged.values', aged.values, keyRows, keyColumns);
    checkCounts('aged.keyCounts', aged.keyCounts, length);
    checkCounts('aged.valueCounts', aged.valueCounts, length);
  }
  checkMatrix('output', output, queries.rows, queries.columns);
}

function checkCounts(name: string, counts: Uint32Array, length: number): void {
  checkLength(name, counts, length);
  for (let i = 1; i < length; i++)
    if (counts[i] < counts[i - 1]) throw new RangeError(`${name} falls from ${counts[i - 1]} to ${counts[i]} at ${i}`);
}

export function checkActivate({ gate, up, output }: ParametersOf<'activate'>): void {
  checkMatrix('gate', gate);
  if (up) checkMatrix('up', up, gate.rows, gate.columns);
  checkMatrix('output', output, gate.rows, gate.columns);
}

export function checkAdd({ source, target }: ParametersOf<'add'>): void {
  checkMatrix('source', source);
  checkMatrix('target', target, source.rows, source.columns);
}

export function checkLogSoftmaxPick({ logits, picked }: ParametersOf<'logSoftmaxPick'>): void {
  checkMatrix('logits', logits);
  checkLength('picked', picked, logits.rows);
  for (let t = 0; t < picked.length; t++)
    if (picked[t] >= logits.columns)
      throw new RangeError(`picked[${t}] is ${picked[t]} but logits has ${logits.columns} columns`);
}

export function checkDecode({ bytes, output }: ParametersOf<'decode'>): void {
  checkLength('bytes', bytes, output.length * 2);
}

export function checkEncode({ values, output }: ParametersOf<'encode'>): void {
  checkLength('output', output, values.length * 2);
}

/** Bytes of one packed row: whole 32-bit words. */
export function packedRowBytes(columns: number, bits: number): number {
  return Math.ceil((columns * bits) / 32) * 4;
}

export function checkPacking(
  codes: Uint8Array,
  packed: Uint8Array,
  packedName: string,
  rows: number,
  columns: number,
  bits: number,
): void {
  checkInteger('bits', bits, 1, 8);
  checkInteger('rows', rows, 0);
  checkInteger('columns', columns, 0);
  checkLength('codes', codes, rows * columns);
  checkLength(packedName, packed, rows * packedRowBytes(columns, bits));
}
