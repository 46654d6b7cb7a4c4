import {
  type BufferPool,
  type Checkpoint,
  createBufferPool,
  type LinearSpec,
  loadRows,
  loadTensor,
  type Range,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';

/** Bytes of the head's weight, as f32, in memory at one time. */
const WEIGHT_BYTES = 16 * 2 ** 20;

/** Bytes of logits that exist at one time. */
const LOGIT_BYTES = 16 * 2 ** 20;

/** A head's Linear, and what goes into it. */
export interface HeadInput {
  readonly checkpoint: Checkpoint;
  readonly linear: Pick<LinearSpec, 'weight' | 'bias' | 'outFeatures' | 'inFeatures'>;
  /** `[rows, inFeatures]` */
  readonly normed: Matrix;
}

/** Logits of some rows for a part of the vocabulary. */
export interface LogitTile {
  /** Of each head, `[rows, ids]`; valid during the call. */
  readonly logits: readonly Matrix[];
  /** The first row of `normed` in it. */
  readonly row: number;
  /** The token id of the first column. */
  readonly id: number;
  /** For work on the tile: arrays that it makes are taken back afterwards. */
  readonly kernels: Kernels;
}

/**
 * The logits of all rows, tile by tile, of one head or of several over the same rows and vocabulary: a Linear is read once, in blocks of its rows, and
 * a tile is forgotten when `visit` has seen it. A row meets its tiles in the order of the ids. Neither the vocabulary nor the number of rows
 * decides how much is in memory.
 */
export async function visitLogits(
  p: {
    readonly heads: readonly HeadInput[];
    readonly kernels: Kernels;
    readonly signal?: AbortSignal | undefined;
    /** Told of the share of all tiles that was done since the last call. */
    progress(share: number): void;
  },
  visit: (tile: LogitTile) => Promise<void>,
): Promise<void> {
  const { heads, kernels } = p;
  const [{ linear }] = heads;
  const vocabulary = linear.outFeatures;
  const weightPool = createBufferPool(kernels);
  const pool = createBufferPool(kernels);
  const widest = Math.max(...heads.map((head) => head.linear.inFeatures));
  const step = Math.min(vocabulary, Math.max(1, Math.floor(WEIGHT_BYTES / (4 * widest))));
  for (let id = 0; id < vocabulary; id += step)
    await weightPool.run(async () => {
      const ids = { start: id, end: Math.min(vocabulary, id + step) };
      const blocks: HeadBlock[] = [];
      for (const head of heads) blocks.push(await readBlock(head, ids, weightPool.kernels));
      const share = (ids.end - ids.start) / vocabulary;
      await visitBlock({ ...p, pool, blocks, share }, (tile) => visit({ ...tile, id }));
    });
}

/** Some rows of a head's Linear, and what goes into it. */
interface HeadBlock {
  readonly normed: Matrix;
  readonly weight: Matrix;
  readonly bias?: Float32Array;
}

async function readBlock({ checkpoint, linear, normed }: HeadInput, rows: Range, kernels: Kernels): Promise<HeadBlock> {
  const shape = [linear.outFeatures, linear.inFeatures] as const;
  const weight = await loadRows(checkpoint, linear.weight, { shape, rows }, kernels);
  if (linear.bias === undefined) return { normed, weight };
  const bias = await loadTensor(checkpoint, linear.bias, kernels);
  return { normed, weight, bias: bias.subarray(rows.start, rows.end) };
}

async function visitBlock(
  p: {
    readonly pool: BufferPool;
    readonly blocks: readonly HeadBlock[];
    readonly signal?: AbortSignal | undefined;
    readonly share: number;
    progress(share: number): void;
  },
  visit: (tile: Omit<LogitTile, 'id'>) => Promise<void>,
): Promise<void> {
  const { blocks, pool } = p;
  const { kernels } = pool;
  const [{ normed, weight }] = blocks;
  const step = Math.max(1, Math.floor(LOGIT_BYTES / (4 * weight.rows)));
  for (let row = 0; row < normed.rows; row += step) {
    p.signal?.throwIfAborted();
    const rows = Math.min(step, normed.rows - row);
    await pool.run(async () => {
      const logits: Matrix[] = [];
      for (const { normed: all, ...block } of blocks) {
        const data = all.data.subarray(row * all.columns, (row + rows) * all.columns);
        const output = kernels.matrix(rows, block.weight.rows);
        await kernels.linear({ input: { rows, columns: all.columns, data }, ...block, output });
        logits.push(output);
      }
      await visit({ logits, row, kernels });
    });
    p.progress((p.share * rows) / normed.rows);
  }
}
