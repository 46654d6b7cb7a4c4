/**
 * Causal softmax attention of one head by tiles of keys with a running softmax (Milakov and Gimelshein, 2018; FlashAttention, Dao et al.,
 * 2022). Everything lies transposed, queries along the lanes: S^T = K Q^T and O^T = V^T P^T both go through the micro-kernel as they are, and
 * the softmax needs no sum across lanes.
 *
 * A lane's result does not depend on its neighbours: a tile that a query does not see adds exact zeros to it. So the width of the micro-kernel's
 * tile changes no bit.
 */
import { exp2 } from './exponential';
import { packColumns, packRows } from './pack';
import { TILE_COLUMNS, TILE_ROWS, multiplyTile } from './tile';
import { transpose } from './transpose';

/** Keys of a tile: whole panels of 5 and of 6 rows. The running maximum changes from tile to tile, so it is the same in all builds. */
const KEY_TILE: i32 = 120;
/** Queries whose sums are held while the keys go by: with d = 64, their state and one tile of keys and values are a quarter of a MiB. */
const QUERY_TILE: i32 = 256;

const BLOCK_BYTES: usize = TILE_COLUMNS * 4;

// The parts of the scratch memory; see attentionScratch.
let queryPanels: usize, keyPanels: usize, valuePanels: usize, scores: usize, sums: usize, maxima: usize, totals: usize;
let agedKeyPanels: usize, agedValuePanels: usize, otherScores: usize;

function panelRows(rows: i32): i32 {
  return (rows + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
}

function layOut(scratch: usize, dimension: i32): usize {
  queryPanels = scratch;
  keyPanels = queryPanels + <usize>(QUERY_TILE * dimension * 4);
  valuePanels = keyPanels + <usize>(KEY_TILE * dimension * 4);
  scores = valuePanels + <usize>(panelRows(dimension) * KEY_TILE * 4);
  sums = scores + <usize>KEY_TILE * BLOCK_BYTES;
  maxima = sums + <usize>(panelRows(dimension) * QUERY_TILE * 4);
  totals = maxima + QUERY_TILE * 4;
  agedKeyPanels = totals + QUERY_TILE * 4;
  agedValuePanels = agedKeyPanels + <usize>(KEY_TILE * dimension * 4);
  otherScores = agedValuePanels + <usize>(panelRows(dimension) * KEY_TILE * 4);
  return otherScores + <usize>KEY_TILE * BLOCK_BYTES;
}

/** Bytes of scratch memory that a head of `dimension` needs. */
export function attentionScratch(dimension: i32): usize {
  return layOut(0, dimension);
}

/**
 * output[length, dimension] = softmax(scale Q K^T) V over offset + length keys, where query i sees keys j with p - window < j <= p, p = offset + i. Rows of
 * queries lie `queryStride` bytes apart, of keys and values `keyStride`, of output `outputStride`. Query i sees the first `keyCounts[i]` keys as they are in
 * `agedKeys`, and the first `valueCounts[i]` values as in `agedValues`; counts do not fall, and vectors of them are read past the last. No key ages where `agedKeys` is 0.
 */
export function attendHead(queries: usize, queryStride: usize, keys: usize, values: usize, keyStride: usize, agedKeys: usize, agedValues: usize, keyCounts: usize, valueCounts: usize, length: i32, offset: i32, dimension: i32, scale: f32, window: i32, output: usize, outputStride: usize, scratch: usize): void {
  layOut(scratch, dimension);
  const ages = agedKeys != 0;
  for (let first = 0; first < length; first += QUERY_TILE) {
    const count = min(length - first, QUERY_TILE);
    loadQueries(queries + <usize>first * queryStride, queryStride, count, dimension, scale);
    const position = offset + first, end = position + count;
    const firstKey = max(0, position - window + 1) / KEY_TILE * KEY_TILE;
    for (let key = firstKey; key < end; key += KEY_TILE) {
      const present = min(KEY_TILE, end - key), at = <usize>key * keyStride;
      packTile(keys + at, values + at, keyStride, present, dimension, keyPanels, valuePanels);
      if (ages) packTile(agedKeys + at, agedValues + at, keyStride, present, dimension, agedKeyPanels, agedValuePanels);
      for (let q = 0; q < count; q += TILE_COLUMNS) {
        const counts = <usize>(first + q) << 2;
        attendBlock(q, position + q, min(TILE_COLUMNS, count - q), key, present, dimension, window, ages ? keyCounts + counts : 0, ages ? valueCounts + counts : 0);
      }
    }
    storeOutput(output + <usize>first * outputStride, outputStride, count, dimension);
  }
}

function packTile(keys: usize, values: usize, stride: usize, present: i32, dimension: i32, keyTarget: usize, valueTarget: usize): void {
  packRows(keys, stride, present, dimension, TILE_ROWS, keyTarget, <usize>(TILE_ROWS * dimension * 4), 0);
  packColumns(values, stride, dimension, present, TILE_ROWS, valueTarget, <usize>(TILE_ROWS * KEY_TILE * 4), 0);
}

/** Queries become panels; the scale and the change from e to 2 as the base of the softmax go into them. */
function loadQueries(queries: usize, stride: usize, count: i32, dimension: i32, scale: f32): void {
  const panelStride = <usize>dimension * BLOCK_BYTES;
  packRows(queries, stride, count, dimension, TILE_COLUMNS, queryPanels, panelStride, 0);
  const factor = f32x4.splat(<f32>(<f64>scale * 1.4426950408889634));
  const end = queryPanels + panelStride * ((count + TILE_COLUMNS - 1) / TILE_COLUMNS);
  for (let at = queryPanels; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), factor));
  memory.fill(sums, 0, <usize>(panelRows(dimension) * QUERY_TILE * 4));
  memory.fill(totals, 0, QUERY_TILE * 4);
  for (let at = maxima; at < maxima + QUERY_TILE * 4; at += 16) v128.store(at, f32x4.splat(-Infinity));
}

/** One tile of keys for one block of queries: `query` is the position of the first, `slot` where it lies in the query tile, counts are those of the block or 0. */
function attendBlock(slot: i32, query: i32, queryCount: i32, key: i32, present: i32, dimension: i32, window: i32, keyCounts: usize, valueCounts: usize): void {
  const lastQuery = query + queryCount - 1, count = min(present, lastQuery - key + 1);
  if (count <= 0 || key + count <= query - window + 1) return;
  const panel = queryPanels + <usize>(slot * dimension * 4), block = sums + <usize>(slot * panelRows(dimension) * 4);

  const keyAge = ageOf(keyCounts, queryCount, key, count);
  multiplyScores(keyAge == AGED ? agedKeyPanels : keyPanels, panel, count, dimension, scores);
  if (keyAge == MIXED) {
    multiplyScores(agedKeyPanels, panel, count, dimension, otherScores);
    chooseScores(count, key, keyCounts);
  }
  if (key + count - 1 > query || key <= lastQuery - window) hideScores(count, key, query, window);
  for (let lane = 0; lane < TILE_COLUMNS; lane += 8) {
    const at = <usize>(slot + lane) << 2, column = <usize>lane << 2;
    updateSoftmax(scores + column, count, maxima + at, totals + at);
    rescale(block + column, dimension);
  }
  const valueAge = ageOf(valueCounts, queryCount, key, count);
  if (valueAge == MIXED) {
    partWeights(count, key, valueCounts);
    addValues(agedValuePanels, otherScores, count, dimension, block);
  }
  addValues(valueAge == AGED ? agedValuePanels : valuePanels, scores, count, dimension, block);
}

const FRESH: i32 = 0, AGED: i32 = 1, MIXED: i32 = 2;

/** How a block of queries sees a tile. */
function ageOf(counts: usize, queryCount: i32, key: i32, count: i32): i32 {
  if (counts == 0 || load<i32>(counts + (<usize>(queryCount - 1) << 2)) <= key) return FRESH;
  return load<i32>(counts) >= key + count ? AGED : MIXED;
}

function multiplyScores(panels: usize, queries: usize, count: i32, dimension: i32, target: usize): void {
  memory.fill(target, 0, <usize>panelRows(count) * BLOCK_BYTES);
  for (let j = 0; j < count; j += TILE_ROWS) multiplyTile(dimension, panels + <usize>(j * dimension * 4), queries, target + <usize>j * BLOCK_BYTES, BLOCK_BYTES);
}

function addValues(panels: usize, weights: usize, count: i32, dimension: i32, block: usize): void {
  for (let i = 0; i < dimension; i += TILE_ROWS) multiplyTile(count, panels + <usize>(i * KEY_TILE * 4), weights, block + <usize>i * BLOCK_BYTES, BLOCK_BYTES);
}

/** Scores of keys that are aged to a query become those in `otherScores`. */
function chooseScores(count: i32, key: i32, counts: usize): void {
  let row = <usize>0;
  for (let j = key; j < key + count; j++) {
    for (let lane = <usize>0; lane < BLOCK_BYTES; lane += 16) {
      const aged = i32x4.gt_s(v128.load(counts + lane), i32x4.splat(j)), at = row + lane;
      v128.store(scores + at, v128.bitselect(v128.load(otherScores + at), v128.load(scores + at), aged));
    }
    row += BLOCK_BYTES;
  }
}

/** Weights of values that are aged to a query move to `otherScores`, and leave zeros. */
function partWeights(count: i32, key: i32, counts: usize): void {
  let row = <usize>0;
  for (let j = key; j < key + count; j++) {
    for (let lane = <usize>0; lane < BLOCK_BYTES; lane += 16) {
      const aged = i32x4.gt_s(v128.load(counts + lane), i32x4.splat(j)), at = row + lane, weight = v128.load(scores + at);
      v128.store(otherScores + at, v128.and(weight, aged));
      v128.store(scores + at, v128.andnot(weight, aged));
    }
    row += BLOCK_BYTES;
  }
}

/** Scores of keys that a query does not see become -Infinity. */
function hideScores(count: i32, key: i32, query: i32, window: i32): void {
  let row = scores;
  for (let j = key; j < key + count; j++) {
    for (let lane = 0; lane < TILE_COLUMNS; lane += 4) {
      const at = row + (<usize>lane << 2), ahead = i32x4.sub(i32x4.splat(j - query - lane), i32x4(0, 1, 2, 3));
      const hidden = v128.or(i32x4.gt_s(ahead, i32x4.splat(0)), i32x4.le_s(ahead, i32x4.splat(-window)));
      v128.store(at, v128.bitselect(f32x4.splat(-Infinity), v128.load(at), hidden));
    }
    row += BLOCK_BYTES;
  }
}

/**
 * Scores of eight queries become weights 2^(score - maximum), and older sums are taken to the new maximum. Two vectors at a time, so that V8's
 * revectorizer can pair them.
 */
function updateSoftmax(column: usize, count: i32, maximum: usize, total: usize): void {
  const old0 = v128.load(maximum), old1 = v128.load(maximum, 16), end = column + <usize>count * BLOCK_BYTES;
  let largest0 = old0, largest1 = old1;
  for (let at = column; at < end; at += BLOCK_BYTES) {
    largest0 = f32x4.pmax(largest0, v128.load(at));
    largest1 = f32x4.pmax(largest1, v128.load(at, 16));
  }
  v128.store(maximum, largest0);
  v128.store(maximum, largest1, 16);
  const base0 = finiteBase(largest0), base1 = finiteBase(largest1);
  const factor0 = exp2(f32x4.sub(old0, base0)), factor1 = exp2(f32x4.sub(old1, base1));
  v128.store(factors, factor0);
  v128.store(factors, factor1, 16);
  let sum0 = f32x4.mul(v128.load(total), factor0), sum1 = f32x4.mul(v128.load(total, 16), factor1);
  for (let at = column; at < end; at += BLOCK_BYTES) {
    const weight0 = exp2(f32x4.sub(v128.load(at), base0)), weight1 = exp2(f32x4.sub(v128.load(at, 16), base1));
    v128.store(at, weight0);
    v128.store(at, weight1, 16);
    sum0 = f32x4.add(sum0, weight0);
    sum1 = f32x4.add(sum1, weight1);
  }
  v128.store(total, sum0);
  v128.store(total, sum1, 16);
}

/** The eight factors of the last {@link updateSoftmax}. */
const factors = memory.data(32, 16);

/** 0 for a query that has seen no score above -Infinity yet: -Infinity - 0 gives weight 0, where -Infinity - -Infinity would be NaN. */
// @ts-ignore: decorator
@inline
function finiteBase(largest: v128): v128 {
  return v128.bitselect(f32x4.splat(0), largest, f32x4.eq(largest, f32x4.splat(-Infinity)));
}

function rescale(column: usize, dimension: i32): void {
  const factor0 = v128.load(factors), factor1 = v128.load(factors, 16);
  const one = f32x4.splat(1), end = column + <usize>dimension * BLOCK_BYTES;
  if (i32x4.all_true(v128.and(f32x4.eq(factor0, one), f32x4.eq(factor1, one)))) return;
  for (let at = column; at < end; at += BLOCK_BYTES) {
    const sum0 = f32x4.mul(v128.load(at), factor0), sum1 = f32x4.mul(v128.load(at, 16), factor1);
    v128.store(at, sum0);
    v128.store(at, sum1, 16);
  }
}

/** Divides the sums by the totals and transposes them into rows. */
function storeOutput(output: usize, stride: usize, count: i32, dimension: i32): void {
  for (let q = 0; q < count; q += TILE_COLUMNS) {
    const block = sums + <usize>(q * panelRows(dimension) * 4);
    for (let lane = 0; lane < TILE_COLUMNS; lane += 4) {
      const total = v128.load(totals + (<usize>(q + lane) << 2));
      let at = block + (<usize>lane << 2);
      for (let end = at + <usize>dimension * BLOCK_BYTES; at < end; at += BLOCK_BYTES) v128.store(at, f32x4.div(v128.load(at), total));
    }
    transpose(block, BLOCK_BYTES, dimension, min(TILE_COLUMNS, count - q), output + <usize>q * stride, stride);
  }
}
