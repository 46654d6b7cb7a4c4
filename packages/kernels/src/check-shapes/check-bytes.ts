import { checkInteger, checkLength } from './check-operand.ts';
import type { ParametersOf } from './parameters-of.ts';

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
