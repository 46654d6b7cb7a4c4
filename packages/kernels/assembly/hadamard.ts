/**
 * Orthonormal Hadamard transforms of rows in place: (factor (x) Sylvester) / sqrt(columns), where `factor` is [order, order] of +-1 and the
 * Sylvester matrix has order `size`, a power of two; columns = order * size. `scratch` holds one row. Every sum has one fixed order, and
 * products are with +-1 alone, so fused multiply-adds would change nothing.
 */
export function hadamardRows(x: usize, rows: i32, order: i32, size: i32, factor: usize, scale: f32, scratch: usize): void {
  const columns = order * size;
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < order; k++) butterflies(x + (<usize>(k * size) << 2), size);
    if (order > 1) {
      memory.copy(scratch, x, <usize>columns << 2);
      combine(scratch, x, order, size, factor);
    }
    scaleBy(x, columns, scale);
    x += <usize>columns << 2;
  }
}

/** The fast Walsh-Hadamard transform of `size` floats, in natural (Sylvester) order. */
function butterflies(x: usize, size: i32): void {
  if (size < 4) {
    if (size == 2) {
      const a = load<f32>(x), b = load<f32>(x, 4);
      store<f32>(x, a + b);
      store<f32>(x, a - b, 4);
    }
    return;
  }
  for (let i = 0; i < size; i += 4) {
    const at = x + (<usize>i << 2), v = v128.load(at);
    // (a, b, c, d) -> (a + b, a - b, c + d, c - d) -> sums and differences of the pairs.
    const pairs = f32x4.add(v128.shuffle<i32>(v, v, 0, 0, 2, 2), f32x4.mul(v128.shuffle<i32>(v, v, 1, 1, 3, 3), f32x4(1, -1, 1, -1)));
    const left = v128.shuffle<i64>(pairs, pairs, 0, 0), right = v128.shuffle<i64>(pairs, pairs, 1, 1);
    v128.store(at, f32x4.add(left, f32x4.mul(right, f32x4(1, 1, -1, -1))));
  }
  for (let half = 4; half < size; half <<= 1) {
    const reach = <usize>half << 2;
    for (let start = 0; start < size; start += half << 1) {
      let at = x + (<usize>start << 2);
      for (const end = at + reach; at < end; at += 16) {
        const a = v128.load(at), b = v128.load(at + reach);
        v128.store(at, f32x4.add(a, b));
        v128.store(at + reach, f32x4.sub(a, b));
      }
    }
  }
}

/** y[i, :] = sum over k of factor[i, k] x[k, :], each of `size` floats; four i at once while there are four. */
function combine(x: usize, y: usize, order: i32, size: i32, factor: usize): void {
  const stride = <usize>size << 2, line = <usize>order << 2;
  let i = 0;
  for (; i + 4 <= order; i += 4) {
    const to = y + <usize>i * stride, signs = factor + <usize>i * line;
    let c = 0;
    for (; c + 4 <= size; c += 4) {
      let from = x + (<usize>c << 2), sign = signs;
      let a = f32x4.splat(0), b = f32x4.splat(0), d = f32x4.splat(0), e = f32x4.splat(0);
      for (let k = 0; k < order; k++) {
        const v = v128.load(from);
        a = f32x4.add(a, f32x4.mul(v, v128.load32_splat(sign)));
        b = f32x4.add(b, f32x4.mul(v, v128.load32_splat(sign + line)));
        d = f32x4.add(d, f32x4.mul(v, v128.load32_splat(sign + 2 * line)));
        e = f32x4.add(e, f32x4.mul(v, v128.load32_splat(sign + 3 * line)));
        from += stride;
        sign += 4;
      }
      const at = to + (<usize>c << 2);
      v128.store(at, a);
      v128.store(at + stride, b);
      v128.store(at + 2 * stride, d);
      v128.store(at + 3 * stride, e);
    }
    for (let row = 0; row < 4; row++)
      for (let rest = c; rest < size; rest++)
        store<f32>(to + <usize>row * stride + (<usize>rest << 2), signedSum(x + (<usize>rest << 2), stride, signs + <usize>row * line, order));
  }
  for (; i < order; i++)
    for (let c = 0; c < size; c++)
      store<f32>(y + <usize>i * stride + (<usize>c << 2), signedSum(x + (<usize>c << 2), stride, factor + <usize>i * line, order));
}

function signedSum(x: usize, stride: usize, signs: usize, order: i32): f32 {
  let sum: f32 = 0;
  for (let k = 0; k < order; k++) {
    sum += load<f32>(x) * load<f32>(signs);
    x += stride;
    signs += 4;
  }
  return sum;
}

function scaleBy(x: usize, columns: i32, scale: f32): void {
  const scales = f32x4.splat(scale);
  let c = 0;
  for (; c + 4 <= columns; c += 4) {
    const at = x + (<usize>c << 2);
    v128.store(at, f32x4.mul(v128.load(at), scales));
  }
  for (; c < columns; c++) {
    const at = x + (<usize>c << 2);
    store<f32>(at, load<f32>(at) * scale);
  }
}
