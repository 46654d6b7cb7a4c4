import { TILE_COLUMNS, TILE_ROWS, multiplyTile } from './tile';

/** Where a tile that does not lie wholly inside C is computed before its valid part is added. */
const scratch = memory.data(TILE_ROWS * TILE_COLUMNS * 4, 16);

/**
 * C[rows, columns] += A B over one block of the depth, from packed panels (see pack.ts). C's rows lie `stride` bytes apart. With
 * `lower`, only elements with column <= row + shift are touched. Every element is one chain of multiply-adds over the depth and
 * one addition to C, whatever the tile: that is why all builds of one numerics mode agree in every bit.
 */
export function multiplyPanels(rows: i32, columns: i32, depth: i32, a: usize, aPanelStride: usize, b: usize, bPanelStride: usize, c: usize, stride: usize, lower: bool, shift: i32): void {
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const width = min(columns - j, TILE_COLUMNS);
    let panel = a;
    for (let i = 0; i < rows; i += TILE_ROWS) {
      const height = min(rows - i, TILE_ROWS), above = lower && j > i + height - 1 + shift;
      if (!above) {
        const tile = c + <usize>i * stride + (<usize>j << 2), crossed = lower && j + width - 1 > i + shift;
        if (height == TILE_ROWS && width == TILE_COLUMNS && !crossed) multiplyTile(depth, panel, b, tile, stride);
        else multiplyPartialTile(height, width, depth, panel, b, tile, stride, lower ? i + shift - j : i32.MAX_VALUE - TILE_ROWS);
      }
      panel += aPanelStride;
    }
    b += bPanelStride;
  }
}

/** `last`: the last column that row 0 of the tile may touch. */
function multiplyPartialTile(height: i32, width: i32, depth: i32, a: usize, b: usize, c: usize, stride: usize, last: i32): void {
  memory.fill(scratch, 0, TILE_ROWS * TILE_COLUMNS * 4);
  multiplyTile(depth, a, b, scratch, TILE_COLUMNS * 4);
  for (let i = 0; i < height; i++) {
    const end = min(width, last + i + 1), row = c + <usize>i * stride, sums = scratch + (<usize>(i * TILE_COLUMNS) << 2);
    for (let j = 0; j < end; j++) {
      const at = row + (<usize>j << 2);
      store<f32>(at, load<f32>(at) + load<f32>(sums + (<usize>j << 2)));
    }
  }
}

/** Adds `row` [columns] to each of the `rows` of C. */
export function addRow(c: usize, stride: usize, rows: i32, columns: i32, row: usize): void {
  for (let i = 0; i < rows; i++) {
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const at = <usize>j << 2;
      v128.store(c + at, f32x4.add(v128.load(c + at), v128.load(row + at)));
    }
    for (; j < columns; j++) {
      const at = <usize>j << 2;
      store<f32>(c + at, load<f32>(c + at) + load<f32>(row + at));
    }
    c += stride;
  }
}
