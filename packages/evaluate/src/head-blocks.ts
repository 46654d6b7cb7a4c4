import {
  type BufferPool,
  type Checkpoint,
  createBufferPool,
  loadRows,
  loadTensor,
  type SectionSpec,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';

/** Bytes of the head's weight, as f32, in memory at one time. */
const WEIGHT_BYTES = 16 * 2 ** 20;

/** Bytes of logits that exist at one time. */
const LOGIT_BYTES = 16 * 2 ** 20;

/** Logits of some rows for a part of the vocabulary. */
export interface LogitTile {
  /** `[rows, ids]`; valid during the call. */
  readonly logits: Matrix;
  /** The first row of `normed` in it. */
  readonly row: number;
  /** The token id of the first column. */
  readonly id: number;
  /** For work on the tile: arrays that it makes are taken back afterwards. */
  readonly kernels: Kernels;
}

/**
 * The logits of all rows of `normed` ([rows, hidden], the input of the head's Linear), tile by tile: the Linear is read once, in blocks of its
 * rows, and a tile is forgotten when `visit` has seen it. A row meets its tiles in the order of the ids. Neither the vocabulary nor the
 * number of rows decides how much is in memory.
 */
export async function visitLogits(
  p: {
    readonly checkpoint: Checkpoint;
    /** The head. */
    readonly section: SectionSpec;
    readonly normed: Matrix;
    readonly kernels: Kernels;
    readonly signal?: AbortSignal | undefined;
    /** Told of the share of all tiles that was done since the last call. */
    progress(share: number): void;
  },
  visit: (tile: LogitTile) => Promise<void>,
): Promise<void> {
  const { checkpoint, kernels } = p;
  const [linear] = p.section.sites[0].linears;
  const { outFeatures, inFeatures } = linear;
  const bias = linear.bias === undefined ? undefined : await loadTensor(checkpoint, linear.bias, kernels);
  const weightPool = createBufferPool(kernels);
  const pool = createBufferPool(kernels);
  const step = Math.min(outFeatures, Math.max(1, Math.floor(WEIGHT_BYTES / (4 * inFeatures))));
  for (let id = 0; id < outFeatures; id += step)
    await weightPool.run(async () => {
      const rows = { start: id, end: Math.min(outFeatures, id + step) };
      const shape = [outFeatures, inFeatures] as const;
      const weight = await loadRows(checkpoint, linear.weight, { shape, rows }, weightPool.kernels);
      const block = { weight, ...(bias && { bias: bias.subarray(rows.start, rows.end) }) };
      await visitBlock({ ...p, pool, block, share: weight.rows / outFeatures }, (tile) => visit({ ...tile, id }));
    });
}

async function visitBlock(
  p: {
    readonly normed: Matrix;
    readonly pool: BufferPool;
    readonly block: { readonly weight: Matrix; readonly bias?: Float32Array };
    readonly signal?: AbortSignal | undefined;
    readonly share: number;
    progress(share: number): void;
  },
  visit: (tile: Omit<LogitTile, 'id'>) => Promise<void>,
): Promise<void> {
  const { normed, pool, block } = p;
  const { kernels } = pool;
  const { columns } = normed;
  const step = Math.max(1, Math.floor(LOGIT_BYTES / (4 * block.weight.rows)));
  for (let row = 0; row < normed.rows; row += step) {
    p.signal?.throwIfAborted();
    const rows = Math.min(step, normed.rows - row);
    await pool.run(async () => {
      const input = { rows, columns, data: normed.data.subarray(row * columns, (row + rows) * columns) };
      const logits = kernels.matrix(rows, block.weight.rows);
      await kernels.linear({ input, ...block, output: logits });
      await visit({ logits, row, kernels });
    });
    p.progress((p.share * rows) / normed.rows);
  }
}
