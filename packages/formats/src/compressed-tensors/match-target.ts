/** A Linear, by the class that the library calls it. */
const LINEAR = 'Linear';

/**
 * The first of `groups` that a Linear belongs to, by the order in which the library looks: its own path, a pattern, its class. Undefined where none names it.
 */
export function groupOf<Group extends { readonly targets: readonly string[] }>(
  linear: string,
  groups: readonly Group[],
): Group | undefined {
  const first = (kind: (target: string) => boolean) =>
    groups.find(({ targets }) => targets.some((target) => kind(target) && matches(target, linear)));
  const isPattern = (target: string) => target.startsWith('re:');
  return first((target) => target !== LINEAR && !isPattern(target)) ?? first(isPattern) ?? first(() => true);
}

/** Whether a target means a module; a pattern matches the beginning of its path, as Python's `re.match`. */
export function matches(target: string, module: string): boolean {
  if (target.startsWith('re:')) return new RegExp(`^(?:${target.slice(3)})`).test(module);
  return target === module || target === LINEAR;
}
