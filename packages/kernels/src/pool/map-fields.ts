/** A copy of an array or a plain object, with `map` of each member. */
export function mapFields(value: object, map: (field: unknown) => unknown): object {
  if (Array.isArray(value)) return value.map(map);
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, map(field)]));
}
