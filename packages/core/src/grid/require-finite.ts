import type { Matrix } from '@compress/kernels';
import { CompressError } from '../errors.ts';

/** Throws `CompressError` `<what>-not-finite`, naming the first NaN or infinity of `matrix`. */
export function requireFinite(
  what: 'weight' | 'gram',
  { columns, data }: Matrix,
  { layer }: { readonly layer?: string | undefined },
): void {
  // A plain loop: a callback for each weight of a model would cost seconds.
  let at = 0;
  while (at < data.length && Number.isFinite(data[at])) at++;
  if (at === data.length) return;
  throw new CompressError(
    `${what}-not-finite`,
    `The ${what} is ${data[at]} at row ${Math.floor(at / columns)}, column ${at % columns}; every value must be finite.`,
    layer === undefined ? {} : { layer },
  );
}
