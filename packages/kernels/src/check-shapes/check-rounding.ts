import type { CodeGrid, GroupScales } from '../code-grid.ts';
import { checkInteger, checkLength, checkMatrix } from './check-operand.ts';
import type { ParametersOf } from './parameters-of.ts';

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

export function checkRoundingError(p: ParametersOf<'roundingError'>): void {
  const { weight, rounded, divisors, grid, scales, stored, hessian, parts = 1 } = p;
  const { rows, columns } = weight;
  checkMatrix('weight', weight);
  checkMatrix('rounded', rounded, rows, columns);
  checkLength('divisors', divisors, columns);
  checkGrid(grid, rows);
  checkScales(scales, rows, columns);
  checkScales(stored, rows, columns);
  checkInteger('parts', parts, 1);
  if (columns % parts !== 0) throw new RangeError(`${columns} columns are not ${parts} equal parts`);
  checkMatrix('hessian', hessian, columns, columns);
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
