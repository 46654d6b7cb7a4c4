/** Activations in place over `count` floats, rounded up to whole vectors: windows have room for that. */
import { exp } from './exponential';
import { multiplyAdd } from './vector';

export function relu(x: usize, count: i32): void {
  for (let end = x + (<usize>count << 2); x < end; x += 16) v128.store(x, f32x4.pmax(v128.load(x), f32x4.splat(0)));
}

/** x sigmoid(u) for u of the sign of x: from e^-|u|, which neither overflows nor cancels. */
// @ts-ignore: decorator
@inline
function timesSigmoid(x: v128, u: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(u))), one = f32x4.splat(1);
  const numerator = v128.bitselect(e, one, f32x4.lt(u, f32x4.splat(0)));
  return f32x4.div(f32x4.mul(x, numerator), f32x4.add(one, e));
}

/** x sigmoid(x). Below -150 it is 0 in f32; the bound keeps -Infinity from becoming NaN. */
export function silu(address: usize, count: i32): void {
  for (let end = address + (<usize>count << 2); address < end; address += 16) {
    const x = f32x4.pmax(v128.load(address), f32x4.splat(-150));
    v128.store(address, timesSigmoid(x, x));
  }
}

/** x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) = x sigmoid(u) with u twice the argument of tanh; 0 in f32 below -20. */
export function geluTanh(address: usize, count: i32): void {
  for (let end = address + (<usize>count << 2); address < end; address += 16) {
    const x = f32x4.pmax(v128.load(address), f32x4.splat(-20));
    const u = f32x4.mul(x, multiplyAdd(f32x4.mul(x, x), f32x4.splat(0.07135481627159811), f32x4.splat(1.5957691216057308)));
    v128.store(address, timesSigmoid(x, u));
  }
}

/**
 * x Phi(x), the normal distribution's Phi by its tail: Phi(-a) = e^(-a^2 / 2) t Q(t) with t = 1 / (1 + 0.3 a), Q a minimax polynomial of relative
 * error 4e-9 for a <= 15, beyond which the result is 0 in f32 or x.
 */
export function gelu(address: usize, count: i32): void {
  const one = f32x4.splat(1);
  for (let end = address + (<usize>count << 2); address < end; address += 16) {
    const x = f32x4.pmax(v128.load(address), f32x4.splat(-20)), a = f32x4.abs(x);
    const t = f32x4.div(one, multiplyAdd(a, f32x4.splat(0.3), one));
    let q = multiplyAdd(t, f32x4.splat(-0.020628713071346283), f32x4.splat(0.11246506124734879));
    q = multiplyAdd(q, t, f32x4.splat(-0.22828540205955505));
    q = multiplyAdd(q, t, f32x4.splat(0.1918840855360031));
    q = multiplyAdd(q, t, f32x4.splat(-0.07950979471206665));
    q = multiplyAdd(q, t, f32x4.splat(0.09620524197816849));
    q = multiplyAdd(q, t, f32x4.splat(0.07837212085723877));
    q = multiplyAdd(q, t, f32x4.splat(0.11023936420679092));
    q = multiplyAdd(q, t, f32x4.splat(0.11957131326198578));
    q = multiplyAdd(q, t, f32x4.splat(0.11968671530485153));
    const tail = f32x4.mul(exp(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5))), f32x4.mul(q, t));
    const phi = v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, f32x4.splat(0)));
    v128.store(address, f32x4.mul(x, phi));
  }
}
