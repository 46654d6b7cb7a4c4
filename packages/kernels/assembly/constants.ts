/**
 * Element i of a table of 32-bit constants (`memory.data`) in all lanes. Loops load their constants so, one instruction each: V8 would put a `v128.const`
 * together again, from immediates, in every turn, which made exponentials twice as slow.
 */
// @ts-ignore: decorator
@inline
export function entry(table: usize, i: usize): v128 {
  return v128.load32_splat(table + 4 * i);
}
