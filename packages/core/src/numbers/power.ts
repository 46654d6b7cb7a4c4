/** An unevaluated sum of two floats, `high` being the sum rounded: some 106 bits. */
interface Double {
  readonly high: number;
  readonly low: number;
}

/**
 * x^y for finite x >= 0 and finite y, the same on every engine: off by no more than half a unit in the last place and 2^-30 of one, where the result is a normal number. `Math.pow` and `**` may
 * round as an engine likes, and do: those of Node 22 and 24 differ in the last bit of every eleventh result. What decides the bytes of an output has only the operations
 * that IEEE 754 rounds exactly: here + - * / on sums of two floats (Dekker 1971; Hida, Li and Bailey 2001), under the series of exp(y log x). Throws
 * `RangeError` for other arguments, 0 to a negative power among them.
 */
export function power(x: number, y: number): number {
  if (!(x >= 0 && Number.isFinite(x) && Number.isFinite(y)) || (x === 0 && y < 0))
    throw new RangeError(`A power needs a finite base above 0 and a finite exponent, not ${x} and ${y}.`);
  if (x === 1 || y === 0) return 1;
  if (x === 0) return 0;
  const exponent = times(logarithm(x), plain(y));
  const doublings = Math.round(exponent.high / LOG_2.high);
  if (Math.abs(doublings) > BEYOND) return doublings > 0 ? Number.POSITIVE_INFINITY : 0;
  const rest = minus(exponent, times(LOG_2, plain(doublings)));
  return scaled(exponential(rest), doublings);
}

/** 2 to this power is no float64, and neither is its inverse. */
const BEYOND = 1100;

/** log 2, to 106 bits. */
const LOG_2: Double = { high: Math.LN2, low: 2.319046813846299e-17 };

/** Terms of the series of atanh on |s| <= 0.1716, after which the rest is below 2^-106. */
const LOGARITHM_TERMS = 21;

/** 1 / (2n + 1), the terms' factors. */
const ODD_RECIPROCALS = Array.from({ length: LOGARITHM_TERMS + 1 }, (_, n) => over(plain(1), plain(2 * n + 1)));

/** Terms of the series of exp on |r| <= 0.347, after which the rest is below 2^-106. */
const EXPONENTIAL_TERMS = 22;

/** 1 / n!, the terms' factors. */
const FACTORIAL_RECIPROCALS = [plain(1)];
for (let n = 1; n <= EXPONENTIAL_TERMS; n++) FACTORIAL_RECIPROCALS.push(over(FACTORIAL_RECIPROCALS[n - 1], plain(n)));

/** log(m 2^e) = 2 atanh((m - 1) / (m + 1)) + e log 2, m being within a factor sqrt 2 of 1. */
function logarithm(x: number): Double {
  const { fraction, exponent } = parts(x);
  const s = over(plus(plain(fraction), plain(-1)), plus(plain(fraction), plain(1)));
  const square = times(s, s);
  let series: Double = plain(0);
  for (let n = LOGARITHM_TERMS; n >= 0; n--) series = plus(times(series, square), ODD_RECIPROCALS[n]);
  return plus(times(plain(2), times(s, series)), times(LOG_2, plain(exponent)));
}

/** exp(r), rounded. */
function exponential(r: Double): number {
  let series: Double = plain(0);
  for (let n = EXPONENTIAL_TERMS; n >= 0; n--) series = plus(times(series, r), FACTORIAL_RECIPROCALS[n]);
  return series.high;
}

/** x = fraction * 2^exponent, the fraction between sqrt 1/2 and sqrt 2. */
function parts(x: number): { fraction: number; exponent: number } {
  let fraction = x;
  let exponent = 0;
  for (; fraction >= Math.SQRT2; exponent++) fraction /= 2;
  for (; fraction < Math.SQRT1_2; exponent--) fraction *= 2;
  return { fraction, exponent };
}

/** value * 2^exponent */
function scaled(value: number, exponent: number): number {
  let result = value;
  for (let n = exponent; n > 0; n--) result *= 2;
  for (let n = exponent; n < 0; n++) result /= 2;
  return result;
}

function plain(value: number): Double {
  return { high: value, low: 0 };
}

/** a + b exactly, where |a| >= |b| or a = 0. */
function ordered(a: number, b: number): Double {
  const high = a + b;
  return { high, low: b - (high - a) };
}

/** a + b exactly. */
function sum(a: number, b: number): Double {
  const high = a + b;
  const part = high - a;
  return { high, low: a - (high - part) + (b - part) };
}

/** a * b exactly: both are split in halves of 26 bits (Veltkamp). */
function product(a: number, b: number): Double {
  const high = a * b;
  const [a1, a2] = halves(a);
  const [b1, b2] = halves(b);
  return { high, low: a1 * b1 - high + a1 * b2 + a2 * b1 + a2 * b2 };
}

function halves(a: number): [number, number] {
  const wide = (2 ** 27 + 1) * a;
  const upper = wide - (wide - a);
  return [upper, a - upper];
}

function plus(a: Double, b: Double): Double {
  const highs = sum(a.high, b.high);
  const lows = sum(a.low, b.low);
  const { high, low } = ordered(highs.high, highs.low + lows.high);
  return ordered(high, low + lows.low);
}

function minus(a: Double, b: Double): Double {
  return plus(a, { high: -b.high, low: -b.low });
}

function times(a: Double, b: Double): Double {
  const { high, low } = product(a.high, b.high);
  return ordered(high, low + (a.high * b.low + a.low * b.high));
}

function over(a: Double, b: Double): Double {
  const first = a.high / b.high;
  const rest = minus(a, times(b, plain(first)));
  const second = rest.high / b.high;
  const last = minus(rest, times(b, plain(second))).high / b.high;
  return plus(ordered(first, second), plain(last));
}
