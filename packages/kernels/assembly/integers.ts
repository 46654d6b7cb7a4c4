/** Products of int8: rows are widened to pairs of i16, which are packed into panels as if each pair were one f32 (see pack.ts). */
import { TILE_COLUMNS, TILE_ROWS, dotTile } from './tile';

/** Where a tile that does not lie wholly inside C is computed before its valid part is added. */
const scratch = memory.data(TILE_ROWS * TILE_COLUMNS * 4, 16);

/** `rows` rows of `columns` int8 become rows of `pairs` pairs of i16; where the columns are odd the last is 0. */
export function widenRows(source: usize, rows: i32, columns: i32, target: usize, pairs: i32): void {
  for (let r = 0; r < rows; r++) {
    let from = source + <usize>(r * columns), to = target + (<usize>(r * pairs) << 2), c = 0;
    for (; c + 8 <= columns; c += 8) {
      v128.store(to, v128.load8x8_s(from));
      from += 8;
      to += 16;
    }
    for (; c < columns; c++) {
      store<i16>(to, load<i8>(from));
      from++;
      to += 2;
    }
    if (columns & 1) store<i16>(to, 0);
  }
}

/** C[rows, columns] += A B in i32 over one block of `depth` pairs; C's rows lie `stride` bytes apart. Exact, so tiles and blocks never matter. */
export function multiplyIntegerPanels(rows: i32, columns: i32, depth: i32, a: usize, aPanelStride: usize, b: usize, bPanelStride: usize, c: usize, stride: usize): void {
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const width = min(columns - j, TILE_COLUMNS);
    let panel = a;
    for (let i = 0; i < rows; i += TILE_ROWS) {
      const height = min(rows - i, TILE_ROWS), tile = c + <usize>i * stride + (<usize>j << 2);
      if (height == TILE_ROWS && width == TILE_COLUMNS) dotTile(depth, panel, b, tile, stride);
      else dotPartialTile(height, width, depth, panel, b, tile, stride);
      panel += aPanelStride;
    }
    b += bPanelStride;
  }
}

function dotPartialTile(height: i32, width: i32, depth: i32, a: usize, b: usize, c: usize, stride: usize): void {
  memory.fill(scratch, 0, TILE_ROWS * TILE_COLUMNS * 4);
  dotTile(depth, a, b, scratch, TILE_COLUMNS * 4);
  for (let i = 0; i < height; i++)
    for (let j = 0; j < width; j++) {
      const at = c + <usize>i * stride + (<usize>j << 2);
      store<i32>(at, load<i32>(at) + load<i32>(scratch + (<usize>(i * TILE_COLUMNS + j) << 2)));
    }
}

/** In place: i32 to f32, c[i, j] * (rowScales[i] * columnScales[j]) + bias[j]; each operation is rounded. */
export function scaleIntegers(c: usize, rows: i32, columns: i32, rowScales: usize, columnScales: usize, bias: usize): void {
  for (let i = 0; i < rows; i++) {
    const own = v128.load32_splat(rowScales);
    rowScales += 4;
    let j: usize = 0;
    const whole = <usize>(columns & ~3) << 2, end = <usize>columns << 2;
    for (; j < whole; j += 16) {
      const scaled = f32x4.mul(f32x4.convert_i32x4_s(v128.load(c + j)), f32x4.mul(own, v128.load(columnScales + j)));
      v128.store(c + j, f32x4.add(scaled, v128.load(bias + j)));
    }
    for (; j < end; j += 4) {
      const scaled = <f32>load<i32>(c + j) * (f32x4.extract_lane(own, 0) * load<f32>(columnScales + j));
      store<f32>(c + j, scaled + load<f32>(bias + j));
    }
    c += end;
  }
}
