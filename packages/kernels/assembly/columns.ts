/** Rows of `columns` floats each, one after the other; every column has a number of its own. */

/** x *= factors */
export function multiplyColumns(x: usize, rows: i32, columns: i32, factors: usize): void {
  for (let r = 0; r < rows; r++) {
    let c = 0;
    for (; c + 4 <= columns; c += 4) {
      v128.store(x, f32x4.mul(v128.load(x), v128.load(factors + (<usize>c << 2))));
      x += 16;
    }
    for (; c < columns; c++) {
      store<f32>(x, load<f32>(x) * load<f32>(factors + (<usize>c << 2)));
      x += 4;
    }
  }
}

/** x /= divisors */
export function divideColumns(x: usize, rows: i32, columns: i32, divisors: usize): void {
  for (let r = 0; r < rows; r++) {
    let c = 0;
    for (; c + 4 <= columns; c += 4) {
      v128.store(x, f32x4.div(v128.load(x), v128.load(divisors + (<usize>c << 2))));
      x += 16;
    }
    for (; c < columns; c++) {
      store<f32>(x, load<f32>(x) / load<f32>(divisors + (<usize>c << 2)));
      x += 4;
    }
  }
}
