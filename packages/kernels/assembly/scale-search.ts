/**
 * Scale and zero of groups, four rows at a time: a lane is a row, so every sum goes over the columns of a group in order, and nothing is rounded
 * differently from the plain TypeScript. Where the ratio w / scale is at hand, the zeros beside it cost little more: they share it.
 */
import { nearestLevels } from './rounding';
import { roundPositiveToBf16, roundPositiveToF16 } from './half-float-lanes';
import { nextPowerOfTwo, roundPositiveToE4m3 } from './small-float-lanes';

/** The host's numbers for the types of scales; every other number is f32. */
const SCALE_F16: i32 = 1;
const SCALE_BF16: i32 = 2;
const SCALE_E4M3: i32 = 3;
const SCALE_E8M0: i32 = 4;

/** An integer grid has no levels; `factors` [steps + 1] are the shrinking ranges, from 1 on. */
let maxCode: f32, symmetric: bool, levels: usize, thresholds: usize, levelCount: i32, tableBytes: usize, reach: f32, scaleType: i32, scaleUnit: f32, factors: usize, steps: i32;

export function setInteger(code: f32, centred: bool): void {
  maxCode = code;
  symmetric = centred;
  levelCount = 0;
}

/** A level is a vector of four, one for each row; with `ownTables` the tables of the next four rows lie behind those of the first. */
export function setTable(table: usize, bounds: usize, count: i32, range: f32, ownTables: bool): void {
  levels = table;
  thresholds = bounds;
  levelCount = count;
  reach = range;
  tableBytes = ownTables ? <usize>count << 4 : 0;
}

export function setSearch(factorTable: usize, count: i32, type: i32, unit: f32): void {
  factors = factorTable;
  steps = count;
  scaleType = type;
  scaleUnit = unit;
}

/**
 * Fits `rows` (rounded up to four: windows have that room) of `columns`. The columns of group g are `order`[starts[g]..starts[g + 1]], and
 * `importance` lies in that order. `scratch` holds four floats for every column. `scales` and `zeros` are [rows, groups].
 */
export function fitRows(weight: usize, rows: i32, columns: i32, groups: i32, starts: usize, order: usize, importance: usize, scratch: usize, scales: usize, zeros: usize): void {
  const stride = <usize>columns << 2, groupStride = <usize>groups << 2;
  for (let r = 0; r < rows; r += 4) {
    for (let g = 0; g < groups; g++) {
      const first = load<i32>(starts + (<usize>g << 2)), count = load<i32>(starts + (<usize>g << 2), 4) - first;
      const at = <usize>first << 2, to = <usize>g << 2;
      if (levelCount) fitTable(weight, stride, order + at, importance + at, count, scratch);
      else fitInteger(weight, stride, order + at, importance + at, count, scratch);
      storeLanes(scales + to, groupStride, bestScale);
      storeLanes(zeros + to, groupStride, bestZero);
    }
    weight += 4 * stride;
    scales += 4 * groupStride;
    zeros += 4 * groupStride;
    levels += tableBytes;
    thresholds += tableBytes;
  }
}

// What is known of the four groups in hand: AssemblyScript functions return one value.
let low: v128 = f32x4.splat(0), high: v128 = f32x4.splat(0);
let bestError: v128 = f32x4.splat(0), bestScale: v128 = f32x4.splat(0), bestZero: v128 = f32x4.splat(0);
/** Of the zero that belongs to a range, the one below and the one above. */
let ownError: v128 = f32x4.splat(0), belowError: v128 = f32x4.splat(0), aboveError: v128 = f32x4.splat(0);

function storeLanes(to: usize, stride: usize, x: v128): void {
  v128.store32_lane(to, x, 0);
  v128.store32_lane(to + stride, x, 1);
  v128.store32_lane(to + 2 * stride, x, 2);
  v128.store32_lane(to + 3 * stride, x, 3);
}

/** Copies the group's columns of four rows to scratch, a vector a column, and finds their range, 0 included. */
function gather(weight: usize, stride: usize, order: usize, count: i32, scratch: usize): void {
  let least = f32x4.splat(0), most = f32x4.splat(0);
  for (let j = 0; j < count; j++) {
    const at = weight + (<usize>load<i32>(order + (<usize>j << 2)) << 2);
    let x = v128.load32_splat(at);
    x = v128.load32_lane(at + stride, x, 1);
    x = v128.load32_lane(at + 2 * stride, x, 2);
    x = v128.load32_lane(at + 3 * stride, x, 3);
    v128.store(scratch + (<usize>j << 4), x);
    least = f32x4.pmin(least, x);
    most = f32x4.pmax(most, x);
  }
  low = least;
  high = most;
  // No error is as large as NaN: the first choice is never hopeless.
  bestError = f32x4.splat(NaN);
}

// @ts-ignore: decorator
@inline
function storable(scale: v128): v128 {
  const unit = f32x4.splat(scaleUnit);
  return f32x4.pmax(f32x4.mul(rounded(f32x4.div(scale, unit)), unit), f32x4.splat(1.401298464324817e-45));
}

// @ts-ignore: decorator
@inline
function rounded(scale: v128): v128 {
  if (scaleType == SCALE_F16) return roundPositiveToF16(scale);
  if (scaleType == SCALE_BF16) return roundPositiveToBf16(scale);
  if (scaleType == SCALE_E4M3) return roundPositiveToE4m3(scale);
  if (scaleType == SCALE_E8M0) return nextPowerOfTwo(scale);
  return f32x4.pmax(f32x4.pmin(scale, f32x4.splat(f32.MAX_VALUE)), f32x4.splat(1.401298464324817e-45));
}

// @ts-ignore: decorator
@inline
function largestMagnitude(): v128 {
  return f32x4.pmax(f32x4.neg(low), high);
}

/** Lanes of constant zeros. */
// @ts-ignore: decorator
@inline
function allZero(): v128 {
  return f32x4.eq(largestMagnitude(), f32x4.splat(0));
}

/** The first choice, whatever its error. */
function begin(error: v128, scale: v128, zero: v128): void {
  bestError = error;
  bestScale = scale;
  bestZero = zero;
}

/** Takes a choice in the lanes in which it is a strict improvement. */
function improve(error: v128, scale: v128, zero: v128): void {
  const better = f32x4.lt(error, bestError);
  bestError = v128.bitselect(error, bestError, better);
  bestScale = v128.bitselect(scale, bestScale, better);
  bestZero = v128.bitselect(zero, bestZero, better);
}

function fitInteger(weight: usize, stride: usize, order: usize, importance: usize, count: i32, scratch: usize): void {
  gather(weight, stride, order, count, scratch);
  const top = f32x4.splat(maxCode), none = f32x4.splat(0), one = f32x4.splat(1), worst = f32x4.splat(Infinity);
  const middle = f32x4.splat((maxCode + 1) / 2), magnitude = largestMagnitude();
  const range = symmetric ? f32x4.add(magnitude, magnitude) : f32x4.sub(high, low);
  for (let i = 0; i <= steps; i++) {
    const factor = v128.load32_splat(factors + (<usize>i << 2));
    const scale = storable(f32x4.div(f32x4.mul(range, factor), top));
    const ideal = f32x4.nearest(f32x4.div(f32x4.mul(f32x4.neg(low), factor), scale));
    const zero = symmetric ? middle : f32x4.pmin(f32x4.pmax(none, ideal), top);
    if (i == 0) {
      begin(steps > 0 ? integerError(scratch, importance, count, scale, zero, top) : none, scale, zero);
    } else if (symmetric) {
      improve(integerError(scratch, importance, count, scale, zero, top), scale, zero);
    } else {
      integerErrors(scratch, importance, count, scale, zero, top);
      const below = f32x4.sub(zero, one), above = f32x4.add(zero, one);
      improve(ownError, scale, zero);
      improve(v128.bitselect(worst, belowError, f32x4.lt(below, none)), scale, below);
      improve(v128.bitselect(worst, aboveError, f32x4.gt(above, top)), scale, above);
    }
  }
  bestScale = v128.bitselect(one, bestScale, allZero());
  if (!symmetric) bestZero = v128.bitselect(none, bestZero, allZero());
}

/** (w - q)^2 times importance, where q = clamp(rounded, lowest, highest) * scale: codes less their zero, in [-zero, maxCode - zero]. */
// @ts-ignore: decorator
@inline
function squaredError(weight: v128, rounded: v128, lowest: v128, highest: v128, scale: v128, importance: v128): v128 {
  const difference = f32x4.sub(weight, f32x4.mul(f32x4.pmin(f32x4.pmax(rounded, lowest), highest), scale));
  return f32x4.mul(importance, f32x4.mul(difference, difference));
}

/**
 * Columns whose errors are summed before they are added to the rest: so a group may be a whole tensor without its sum outgrowing its terms. In between, a
 * choice is given up once it cannot win: errors only grow.
 */
const STRETCH: i32 = 16;

// @ts-ignore: decorator
@inline
function hopeless(error: v128): bool {
  return i32x4.all_true(f32x4.ge(error, bestError));
}

function integerError(scratch: usize, importance: usize, count: i32, scale: v128, zero: v128, top: v128): v128 {
  const lowest = f32x4.sub(f32x4.splat(0), zero), highest = f32x4.sub(top, zero);
  let error = f32x4.splat(0);
  for (let first = 0; first < count; first += STRETCH) {
    let sum = f32x4.splat(0);
    for (let j = min(count - first, STRETCH); j > 0; j--) {
      const weight = v128.load(scratch), rounded = f32x4.nearest(f32x4.div(weight, scale));
      sum = f32x4.add(sum, squaredError(weight, rounded, lowest, highest, scale, v128.load32_splat(importance)));
      scratch += 16;
      importance += 4;
    }
    error = f32x4.add(error, sum);
    if (hopeless(error)) break;
  }
  return error;
}

function integerErrors(scratch: usize, importance: usize, count: i32, scale: v128, zero: v128, top: v128): void {
  const one = f32x4.splat(1), lowest = f32x4.sub(f32x4.splat(0), zero), highest = f32x4.sub(top, zero);
  const lower = f32x4.sub(lowest, one), higher = f32x4.add(lowest, one), lowerTop = f32x4.sub(highest, one), higherTop = f32x4.add(highest, one);
  ownError = f32x4.splat(0);
  belowError = f32x4.splat(0);
  aboveError = f32x4.splat(0);
  for (let first = 0; first < count; first += STRETCH) {
    let own = f32x4.splat(0), below = f32x4.splat(0), above = f32x4.splat(0);
    for (let j = min(count - first, STRETCH); j > 0; j--) {
      const weight = v128.load(scratch), rounded = f32x4.nearest(f32x4.div(weight, scale)), factor = v128.load32_splat(importance);
      own = f32x4.add(own, squaredError(weight, rounded, lowest, highest, scale, factor));
      below = f32x4.add(below, squaredError(weight, rounded, higher, higherTop, scale, factor));
      above = f32x4.add(above, squaredError(weight, rounded, lower, lowerTop, scale, factor));
      scratch += 16;
      importance += 4;
    }
    ownError = f32x4.add(ownError, own);
    belowError = f32x4.add(belowError, below);
    aboveError = f32x4.add(aboveError, above);
    if (hopeless(f32x4.min(ownError, f32x4.min(belowError, aboveError)))) return;
  }
}

function fitTable(weight: usize, stride: usize, order: usize, importance: usize, count: i32, scratch: usize): void {
  gather(weight, stride, order, count, scratch);
  const none = f32x4.splat(0), magnitude = largestMagnitude(), range = f32x4.splat(reach);
  for (let i = 0; i <= steps; i++) {
    const factor = v128.load32_splat(factors + (<usize>i << 2));
    const scale = storable(f32x4.div(f32x4.mul(magnitude, factor), range));
    if (i == 0) begin(steps > 0 ? tableError(scratch, importance, count, scale) : none, scale, none);
    else improve(tableError(scratch, importance, count, scale), scale, none);
  }
  bestScale = v128.bitselect(f32x4.splat(1), bestScale, allZero());
}

function tableError(scratch: usize, importance: usize, count: i32, scale: v128): v128 {
  let error = f32x4.splat(0);
  for (let first = 0; first < count; first += STRETCH) {
    let sum = f32x4.splat(0);
    for (let j = min(count - first, STRETCH); j > 0; j--) {
      const weight = v128.load(scratch), level = nearestLevels(f32x4.div(weight, scale), levels, thresholds, levelCount, 16);
      const difference = f32x4.sub(weight, f32x4.mul(level, scale));
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(importance), f32x4.mul(difference, difference)));
      scratch += 16;
      importance += 4;
    }
    error = f32x4.add(error, sum);
    if (hopeless(error)) break;
  }
  return error;
}
