/** The group of each of `columns` columns where `groupSize` neighbours share one. */
export function columnsInGroups(columns: number, groupSize: number): Uint32Array {
  return Uint32Array.from({ length: columns }, (_, c) => Math.floor(c / groupSize));
}
