import { CompressError, type QuantizedWeight } from '@compress/core';

/** Throws `CompressError` `not-representable` where groups are no runs of columns; `reader` has no index that would say which they are. */
export function checkGroups({ columns, scales }: QuantizedWeight, reader: string, tensor: string): void {
  const width = columns / scales.groups;
  if (scales.group.every((g, c) => g === Math.floor(c / width))) return;
  throw new CompressError(
    'not-representable',
    `The groups do not follow the columns, and ${reader} has no index of groups: use "order: act-static".`,
    { tensor },
  );
}
