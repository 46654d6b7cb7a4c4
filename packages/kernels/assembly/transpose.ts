/** target[j, i] = source[i, j] for a block of f32; strides are bytes between rows. */
export function transpose(source: usize, sourceStride: usize, rows: i32, columns: i32, target: usize, targetStride: usize): void {
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    let row0 = source + <usize>i * sourceStride, row1 = row0 + sourceStride, row2 = row1 + sourceStride, row3 = row2 + sourceStride;
    let to = target + (<usize>i << 2);
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const a = v128.load(row0), b = v128.load(row1), c = v128.load(row2), d = v128.load(row3);
      const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
      const ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i64>(ab01, cd01, 0, 2));
      v128.store(to + targetStride, v128.shuffle<i64>(ab01, cd01, 1, 3));
      v128.store(to + 2 * targetStride, v128.shuffle<i64>(ab23, cd23, 0, 2));
      v128.store(to + 3 * targetStride, v128.shuffle<i64>(ab23, cd23, 1, 3));
      row0 += 16;
      row1 += 16;
      row2 += 16;
      row3 += 16;
      to += 4 * targetStride;
    }
    for (; j < columns; j++) {
      store<f32>(to, load<f32>(row0));
      store<f32>(to, load<f32>(row1), 4);
      store<f32>(to, load<f32>(row2), 8);
      store<f32>(to, load<f32>(row3), 12);
      row0 += 4;
      row1 += 4;
      row2 += 4;
      row3 += 4;
      to += targetStride;
    }
  }
  for (; i < rows; i++) {
    let from = source + <usize>i * sourceStride, to = target + (<usize>i << 2);
    for (let j = 0; j < columns; j++) {
      store<f32>(to, load<f32>(from));
      from += 4;
      to += targetStride;
    }
  }
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
