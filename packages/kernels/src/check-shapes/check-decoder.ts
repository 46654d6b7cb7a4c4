import type { Matrix } from '../matrix.ts';
import { checkInteger, checkLength, checkMatrix, checkSquare } from './check-operand.ts';
import type { ParametersOf } from './parameters-of.ts';

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

export function checkScaleColumns({ input, factors, output }: ParametersOf<'scaleColumns'>): void {
  checkMatrix('input', input);
  checkLength('factors', factors, input.columns);
  checkMatrix('output', output, input.rows, input.columns);
}

export function checkLogSoftmaxPick({ logits, picked }: ParametersOf<'logSoftmaxPick'>): void {
  checkMatrix('logits', logits);
  checkLength('picked', picked, logits.rows);
  for (let t = 0; t < picked.length; t++)
    if (picked[t] >= logits.columns)
      throw new RangeError(`picked[${t}] is ${picked[t]} but logits has ${logits.columns} columns`);
}
