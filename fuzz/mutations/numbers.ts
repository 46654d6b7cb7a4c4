/** Whole numbers at which readers go wrong: ends of types, and neighbours of what stood there. */
export function hostileInteger(choice: number, before: bigint): bigint {
  const numbers = [
    0n,
    1n,
    before + 1n,
    before - 1n,
    before * 2n,
    2n ** 31n - 1n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    10n ** 12n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 63n - 1n,
    2n ** 63n,
    2n ** 64n - 1n,
    BigInt(choice),
  ];
  return numbers[choice % numbers.length];
}
