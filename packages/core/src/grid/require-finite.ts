import type { Matrix } from '@compress/kernels';
import { CompressError } from '../errors.ts';

/** Throws `CompressError` `<what>-not-finite`, naming the first NaN or infinity of `matrix`. */
export function requireFinite(
  what: 'weight' | 'gram',
  { columns, data }: Matrix,
  { layer }: { layer: string | undefined },
): void {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  throw new CompressError(
    `${what}-not-finite`,
    `The ${what} is ${data[at]} at row ${Math.floor(at / columns)}, column ${at % columns}; every value must be finite.`,
    layer === undefined ? {} : { layer },
  );
}
