/**
 * Activations in place over `count` floats, rounded up to two vectors: windows have room for that. Both are loaded before one is stored, so that V8's
 * revectorizer can pair them.
 */
import { entry } from './constants';
import { exp } from './exponential';
import { multiplyAdd } from './vector';

export function relu(x: usize, count: i32): void {
  for (let end = x + (<usize>count << 2); x < end; x += 16) v128.store(x, f32x4.pmax(v128.load(x), f32x4.splat(0)));
}

/** 0, 1, the lowest arguments of SiLU and of the GELUs, and the tanh form's 2 sqrt(2 / pi) and 0.044715 times that. */
const NUMBERS = memory.data<f32>([0, 1, -150, -20, 1.5957691216057308, 0.07135481627159811]);

/** x sigmoid(u) for u of the sign of x: from e^-|u|, which neither overflows nor cancels. */
// @ts-ignore: decorator
@inline
function timesSigmoid(x: v128, u: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(u))), one = entry(NUMBERS, 1);
  const numerator = v128.bitselect(e, one, f32x4.lt(u, entry(NUMBERS, 0)));
  return f32x4.div(f32x4.mul(x, numerator), f32x4.add(one, e));
}

/** x sigmoid(x). Below -150 it is 0 in f32; the bound keeps -Infinity from becoming NaN. */
// @ts-ignore: decorator
@inline
function siluOf(x: v128): v128 {
  const bounded = f32x4.pmax(x, entry(NUMBERS, 2));
  return timesSigmoid(bounded, bounded);
}

export function silu(x: usize, count: i32): void {
  for (let end = x + (<usize>count << 2); x < end; x += 32) {
    const y0 = siluOf(v128.load(x)), y1 = siluOf(v128.load(x, 16));
    v128.store(x, y0);
    v128.store(x, y1, 16);
  }
}

/** x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) = x sigmoid(u) with u twice the argument of tanh; 0 in f32 below -20. */
// @ts-ignore: decorator
@inline
function geluTanhOf(x: v128): v128 {
  const bounded = f32x4.pmax(x, entry(NUMBERS, 3)), square = f32x4.mul(bounded, bounded);
  return timesSigmoid(bounded, f32x4.mul(bounded, multiplyAdd(square, entry(NUMBERS, 5), entry(NUMBERS, 4))));
}

export function geluTanh(x: usize, count: i32): void {
  for (let end = x + (<usize>count << 2); x < end; x += 32) {
    const y0 = geluTanhOf(v128.load(x)), y1 = geluTanhOf(v128.load(x, 16));
    v128.store(x, y0);
    v128.store(x, y1, 16);
  }
}

/** 0.3, -1 / 2, and Q from its highest power down. */
const TAIL = memory.data<f32>([0.3, -0.5, -0.020628713071346283, 0.11246506124734879, -0.22828540205955505, 0.1918840855360031, -0.07950979471206665, 0.09620524197816849, 0.07837212085723877, 0.11023936420679092, 0.11957131326198578, 0.11968671530485153]);

/**
 * x Phi(x), the normal distribution's Phi by its tail: Phi(-a) = e^(-a^2 / 2) t Q(t) with t = 1 / (1 + 0.3 a), Q a minimax polynomial of relative
 * error 4e-9 for a <= 15, beyond which the result is 0 in f32 or x.
 */
// @ts-ignore: decorator
@inline
function geluOf(unbounded: v128): v128 {
  const one = entry(NUMBERS, 1), x = f32x4.pmax(unbounded, entry(NUMBERS, 3)), a = f32x4.abs(x);
  const t = f32x4.div(one, multiplyAdd(a, entry(TAIL, 0), one));
  let q = multiplyAdd(t, entry(TAIL, 2), entry(TAIL, 3));
  q = multiplyAdd(q, t, entry(TAIL, 4));
  q = multiplyAdd(q, t, entry(TAIL, 5));
  q = multiplyAdd(q, t, entry(TAIL, 6));
  q = multiplyAdd(q, t, entry(TAIL, 7));
  q = multiplyAdd(q, t, entry(TAIL, 8));
  q = multiplyAdd(q, t, entry(TAIL, 9));
  q = multiplyAdd(q, t, entry(TAIL, 10));
  q = multiplyAdd(q, t, entry(TAIL, 11));
  const tail = f32x4.mul(exp(f32x4.mul(f32x4.mul(x, x), entry(TAIL, 1))), f32x4.mul(q, t));
  const phi = v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, entry(NUMBERS, 0)));
  return f32x4.mul(x, phi);
}

export function gelu(x: usize, count: i32): void {
  for (let end = x + (<usize>count << 2); x < end; x += 32) {
    const y0 = geluOf(v128.load(x)), y1 = geluOf(v128.load(x, 16));
    v128.store(x, y0);
    v128.store(x, y1, 16);
  }
}
