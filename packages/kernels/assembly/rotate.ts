/**
 * Rotates `heads` of each of `rows` in place: (a, b) becomes (a cos - b sin, b cos + a sin), where a is one of the first `half` floats of a head
 * and b the one `half` further on. A head is `headStride` bytes, a row `rowStride`; cos and sin are [rows, half].
 */
export function rotateRows(values: usize, rows: i32, rowStride: usize, heads: i32, headStride: usize, half: i32, cos: usize, sin: usize): void {
  for (let r = 0; r < rows; r++) {
    let head = values;
    for (let h = 0; h < heads; h++) {
      rotateHead(head, head + (<usize>half << 2), half, cos, sin);
      head += headStride;
    }
    values += rowStride;
    cos += <usize>half << 2;
    sin += <usize>half << 2;
  }
}

function rotateHead(first: usize, second: usize, half: i32, cos: usize, sin: usize): void {
  let i = 0;
  for (; i + 4 <= half; i += 4) {
    const at = <usize>i << 2;
    const a = v128.load(first + at), b = v128.load(second + at), c = v128.load(cos + at), s = v128.load(sin + at);
    v128.store(first + at, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
    v128.store(second + at, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)));
  }
  for (; i < half; i++) {
    const at = <usize>i << 2;
    const a = load<f32>(first + at), b = load<f32>(second + at), c = load<f32>(cos + at), s = load<f32>(sin + at);
    store<f32>(first + at, a * c - b * s);
    store<f32>(second + at, b * c + a * s);
  }
}
