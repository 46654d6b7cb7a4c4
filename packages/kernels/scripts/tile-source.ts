/** The shape of a micro-kernel's tile of C: `rows` x `4 * vectors` elements, held in registers while the depth is walked. */
export interface Tile {
  readonly rows: number;
  readonly vectors: number;
}

const count = (n: number) => [...Array(n).keys()];
const lines = (indent: string, parts: string[]) => parts.map((part) => indent + part).join('\n');

/**
 * Writes the AssemblyScript of the micro-kernel: C[rows, columns] += A B, where A is a packed panel [depth][rows] and B a packed panel
 * [depth][columns]. AssemblyScript has no macros and no arrays of registers, hence this generator.
 *
 * What is load-bearing in the text it writes:
 * - 12 accumulators of 6x8 and the operands fit the 16 vector registers of x86; 5x16 does so only when pairs of v128 become one
 *   256-bit register (V8's revectorizer).
 * - Rows go downwards inside the loop, and the loop is `if (depth) do ... while`: otherwise V8 of Node 22 spills.
 * - In the epilogue a row's loads all come before its stores: the revectorizer pairs nothing across a store.
 */
export function tileSource(tile: Tile): string {
  const columns = 4 * tile.vectors;
  return `// Written by scripts/tile-source.ts: the ${tile.rows} x ${columns} micro-kernels.
import { dotAdd, multiplyAdd } from './vector';

export const TILE_ROWS: i32 = ${tile.rows};
export const TILE_COLUMNS: i32 = ${columns};

/** c[${tile.rows}, ${columns}] (rows \`stride\` bytes apart) += a[depth, ${tile.rows}]^T b[depth, ${columns}] */
${functionSource(tile, 'multiplyTile', 'f32x4', 'multiplyAdd')}

/** The same in i32, where each element of a and b is a pair of i16, and a product the sum of both. */
${functionSource(tile, 'dotTile', 'i32x4', 'dotAdd')}
`;
}

function functionSource(tile: Tile, name: string, lanes: 'f32x4' | 'i32x4', multiplyAdd: string): string {
  const rows = count(tile.rows);
  const vectors = count(tile.vectors);
  const columns = 4 * tile.vectors;
  return `export function ${name}(depth: i32, a: usize, b: usize, c: usize, stride: usize): void {
${lines(
  '  ',
  rows.flatMap((i) => vectors.map((j) => `let c${i}_${j} = ${lanes}.splat(0);`)),
)}
  if (depth > 0) do {
${lines(
  '    ',
  vectors.map((j) => `const b${j} = v128.load(b, ${16 * j});`),
)}
    let ai: v128;
${lines(
  '    ',
  rows
    .toReversed()
    .flatMap((i) => [
      `ai = v128.load32_splat(a, ${4 * i});`,
      ...vectors.map((j) => `c${i}_${j} = ${multiplyAdd}(ai, b${j}, c${i}_${j});`),
    ]),
)}
    a += ${4 * tile.rows};
    b += ${4 * columns};
  } while (--depth);
${lines(
  '  ',
  rows.flatMap((i) => [
    ...vectors.map((j) => `c${i}_${j} = ${lanes}.add(v128.load(c, ${16 * j}), c${i}_${j});`),
    ...vectors.map((j) => `v128.store(c, c${i}_${j}, ${16 * j});`),
    ...(i < tile.rows - 1 ? ['c += stride;'] : []),
  ]),
)}
}`;
}
