import type { Matrix } from '@compress/kernels';

/** The largest number of a row, and the first column that has it. */
export function largestOfRow({ columns, data }: Matrix, row: number): { value: number; column: number } {
  const start = row * columns;
  let at = start;
  for (let i = start + 1; i < start + columns; i++) if (data[i] > data[at]) at = i;
  return { value: data[at], column: at - start };
}
