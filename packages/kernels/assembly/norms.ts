/** Row norms with every sum in f64: pairs of lanes, the left pair and the right pair of each vector apart, then a scalar tail. */

// @ts-ignore: decorator
@inline
function leftPair(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

// @ts-ignore: decorator
@inline
function rightPair(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
}

// @ts-ignore: decorator
@inline
function sumPairs(left: v128, right: v128): f64 {
  const pairs = f64x2.add(left, right);
  return f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
}

/** sum (x - center)^2 over a row. */
function sumOfSquares(row: usize, columns: i32, center: f64): f64 {
  const centers = f64x2.splat(center);
  let left = f64x2.splat(0), right = f64x2.splat(0), c = 0;
  for (; c + 4 <= columns; c += 4) {
    const x = v128.load(row + (<usize>c << 2));
    const l = f64x2.sub(leftPair(x), centers), r = f64x2.sub(rightPair(x), centers);
    left = f64x2.add(left, f64x2.mul(l, l));
    right = f64x2.add(right, f64x2.mul(r, r));
  }
  let sum = sumPairs(left, right);
  for (; c < columns; c++) {
    const x = <f64>load<f32>(row + (<usize>c << 2)) - center;
    sum += x * x;
  }
  return sum;
}

function sumOf(row: usize, columns: i32): f64 {
  let left = f64x2.splat(0), right = f64x2.splat(0), c = 0;
  for (; c + 4 <= columns; c += 4) {
    const x = v128.load(row + (<usize>c << 2));
    left = f64x2.add(left, leftPair(x));
    right = f64x2.add(right, rightPair(x));
  }
  let sum = sumPairs(left, right);
  for (; c < columns; c++) sum += <f64>load<f32>(row + (<usize>c << 2));
  return sum;
}

/** x[rows, columns] becomes x / sqrt(mean(x^2) + epsilon) * gain, in place. */
export function rmsNorm(x: usize, rows: i32, columns: i32, gain: usize, epsilon: f64): void {
  for (let r = 0; r < rows; r++) {
    const inverse = <f32>(1 / Math.sqrt(sumOfSquares(x, columns, 0) / <f64>columns + epsilon)), inverses = f32x4.splat(inverse);
    let c = 0;
    for (; c + 4 <= columns; c += 4) {
      const at = <usize>c << 2;
      v128.store(x + at, f32x4.mul(f32x4.mul(v128.load(x + at), inverses), v128.load(gain + at)));
    }
    for (; c < columns; c++) {
      const at = <usize>c << 2;
      store<f32>(x + at, load<f32>(x + at) * inverse * load<f32>(gain + at));
    }
    x += <usize>columns << 2;
  }
}

/** x[rows, columns] becomes (x - mean) / sqrt(variance + epsilon) * gain + bias, in place. */
export function layerNorm(x: usize, rows: i32, columns: i32, gain: usize, bias: usize, epsilon: f64): void {
  for (let r = 0; r < rows; r++) {
    const mean = sumOf(x, columns) / <f64>columns;
    const inverse = 1 / Math.sqrt(sumOfSquares(x, columns, mean) / <f64>columns + epsilon);
    const means = f64x2.splat(mean), inverses = f64x2.splat(inverse);
    let c = 0;
    for (; c + 4 <= columns; c += 4) {
      const at = <usize>c << 2, values = v128.load(x + at);
      const left = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(leftPair(values), means), inverses));
      const right = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(rightPair(values), means), inverses));
      const normal = v128.shuffle<i64>(left, right, 0, 2);
      v128.store(x + at, f32x4.add(f32x4.mul(normal, v128.load(gain + at)), v128.load(bias + at)));
    }
    for (; c < columns; c++) {
      const at = <usize>c << 2, normal = <f32>((<f64>load<f32>(x + at) - mean) * inverse);
      store<f32>(x + at, normal * load<f32>(gain + at) + load<f32>(bias + at));
    }
    x += <usize>columns << 2;
  }
}
