/** Over `count` floats, rounded up to whole vectors: windows have room for that. */

/** target += source * factor, the product and the sum rounded one after the other in every build. */
export function addScaled(source: usize, target: usize, count: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (let end = source + (<usize>count << 2); source < end; source += 16) {
    v128.store(target, f32x4.add(v128.load(target), f32x4.mul(v128.load(source), factors)));
    target += 16;
  }
}

/** target *= source */
export function multiplyElements(source: usize, target: usize, count: i32): void {
  for (let end = source + (<usize>count << 2); source < end; source += 16) {
    v128.store(target, f32x4.mul(v128.load(target), v128.load(source)));
    target += 16;
  }
}
