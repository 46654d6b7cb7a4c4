/** target[j, i] = source[i, j] for a block of f32; strides are bytes between rows. */
export function transpose(source: usize, sourceStride: usize, rows: i32, columns: i32, target: usize, targetStride: usize): void {
  // 16 rows at a time: they become whole cache lines of the target, each written while it is near.
  for (let i = 0; i < rows; i += 16) {
    const height = min(rows - i, 16), from = source + <usize>i * sourceStride, to = target + (<usize>i << 2);
    for (let j = 0; j < columns; j += 4) {
      const width = min(columns - j, 4);
      let block = from + (<usize>j << 2), at = to + <usize>j * targetStride;
      let r = 0;
      if (width == 4) {
        for (; r + 4 <= height; r += 4) {
          transposeFour(block, sourceStride, at, targetStride);
          block += 4 * sourceStride;
          at += 16;
        }
      }
      for (; r < height; r++) {
        for (let c = 0; c < width; c++) store<f32>(at + <usize>c * targetStride, load<f32>(block + (<usize>c << 2)));
        block += sourceStride;
        at += 4;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function transposeFour(source: usize, sourceStride: usize, target: usize, targetStride: usize): void {
  const a = v128.load(source), b = v128.load(source + sourceStride);
  const c = v128.load(source + 2 * sourceStride), d = v128.load(source + 3 * sourceStride);
  const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<i64>(ab01, cd01, 0, 2));
  v128.store(target + targetStride, v128.shuffle<i64>(ab01, cd01, 1, 3));
  v128.store(target + 2 * targetStride, v128.shuffle<i64>(ab23, cd23, 0, 2));
  v128.store(target + 3 * targetStride, v128.shuffle<i64>(ab23, cd23, 1, 3));
}

/** The same for bytes, by blocks of 16 rows so that a line of the target is written while it is near. */
export function transposeBytes(source: usize, sourceStride: usize, rows: i32, columns: i32, target: usize, targetStride: usize): void {
  for (let first = 0; first < rows; first += 16) {
    const end = min(rows, first + 16);
    for (let j = 0; j < columns; j++) {
      let from = source + <usize>first * sourceStride + <usize>j, to = target + <usize>j * targetStride + <usize>first;
      for (let i = first; i < end; i++) {
        store<u8>(to++, load<u8>(from));
        from += sourceStride;
      }
    }
  }
}
