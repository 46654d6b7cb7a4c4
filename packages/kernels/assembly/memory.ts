/** The first address after the module's own data: the host's windows begin here. */
export function heapBase(): usize {
  return __heap_base;
}
