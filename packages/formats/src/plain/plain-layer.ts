import { type Checkpoint, CompressError, FLOAT8_E4M3, type TensorInfo } from '@compress/core';
import { columnsInGroups } from '../columns-in-groups.ts';
import type { Layer, LayerParts } from '../decode-layers.ts';
import { codesOf } from '../float-grids.ts';
import { readScales } from '../read-parts.ts';
import { type PlainShape, scaleOffset } from './plain-layout.ts';

/** One layer's tensors, proven to fit together. */
export interface PlainParts extends LayerParts {
  readonly codes: TensorInfo;
  readonly scale: TensorInfo;
  /** Absent where symmetric. */
  readonly zeroPoint: TensorInfo | undefined;
  readonly shape: PlainShape;
}

/** Reads a layer's parts. Throws `CompressError` `code` for a byte that is no code of the grid: a NaN, or an integer of more bits. */
export async function loadPlain(checkpoint: Checkpoint, parts: PlainParts, code: string): Promise<Layer> {
  const { shape, codes, scale, zeroPoint, grid } = parts;
  const { outFeatures, inFeatures, groups, groupColumns } = shape;
  const middle = 2 ** (grid.bits - 1);
  const byByte = grid.codes.kind === 'integer' ? integerCodes(grid.bits) : codesOf(grid, FLOAT8_E4M3);
  const bytes = await checkpoint.read(codes.name);
  const wrong = bytes.findIndex((byte) => byByte[byte] === undefined);
  if (wrong >= 0)
    throw new CompressError(code, `The byte ${bytes[wrong]} at ${wrong} is no code of ${grid.name}.`, {
      file: checkpoint.location,
      tensor: codes.name,
    });
  const table = Uint8Array.from(byByte, (one) => one ?? 0);
  const stored = await readScales(checkpoint, scale);
  const zeros = zeroPoint && new Int8Array((await checkpoint.read(zeroPoint.name)).slice().buffer);
  const byRows = (value: (at: number) => number) =>
    Float32Array.from({ length: outFeatures * groups }, (_, i) =>
      value(scaleOffset(Math.floor(i / groups), shape) + (i % groups)),
    );
  return {
    scales: {
      groups,
      group: columnsInGroups(inFeatures, groupColumns),
      scales: byRows((at) => stored[at]),
      zeros: byRows((at) => (grid.codes.kind === 'integer' ? middle + (zeros?.[at] ?? 0) : 0)),
    },
    unpackRow(row, output) {
      for (let c = 0; c < inFeatures; c++) output[c] = table[bytes[row * inFeatures + c]];
    },
  };
}

/** Signed bytes plus 2^(bits - 1), where that is a code. */
function integerCodes(bits: number): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) => {
    const code = (byte < 128 ? byte : byte - 256) + 2 ** (bits - 1);
    return code >= 0 && code < 2 ** bits ? code : undefined;
  });
}
