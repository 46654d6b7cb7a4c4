import { CompressError, type QuantizedWeight } from '@compress/core';

/** Throws `CompressError` `not-representable` where groups are no runs of columns. */
export function checkGroups({ columns, scales }: QuantizedWeight, tensor: string): void {
  const width = columns / scales.groups;
  if (scales.group.every((g, c) => g === Math.floor(c / width))) return;
  throw new CompressError(
    'not-representable',
    'The groups do not follow the columns, and compressed-tensors has no index of groups any more: use "order: act-static".',
    { tensor },
  );
}
