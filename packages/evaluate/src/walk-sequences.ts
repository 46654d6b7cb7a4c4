import {
  type BufferPool,
  createBufferPool,
  loadSection,
  openEmbedding,
  runSection,
  type SectionSpec,
} from '@compress/core';
import type { Matrix } from '@compress/kernels';
import { cutInGroups, makeBatches, rowsOf, type SequenceBatch } from './make-batches.ts';
import type { SequenceWalk } from './sequence.ts';

/** Sequences that stand before the product of the head. */
export interface HeadGroup {
  readonly section: SectionSpec;
  /** The final norm's output at the positions from which tokens are scored, `[scored, hidden]`; its memory is used again for the next group. */
  readonly normed: Matrix;
  /** The tokens that are scored, `[scored]`: of all sequences, in their order. */
  readonly targets: Uint32Array;
  /** How many tokens were scored in the groups before this one. */
  readonly first: number;
  /** To be told which share of the head's work was done since the last call. */
  progress(share: number): void;
}

/** What a walk shows of itself on its way. */
export interface WalkVisitors {
  /** The residual stream after a section that is not the head; `firstRow`: how many rows (tokens of sequences) the groups before this one had. */
  readonly afterSection?: (section: SectionSpec, stream: Matrix, firstRow: number) => Promise<void>;
  /** Makes the head's product. */
  readonly atHead: (group: HeadGroup) => Promise<void>;
}

/** Bytes of residual stream that wait in memory between two sections; longer texts go through the model in several groups of sequences. */
const STREAM_BYTES = 128 * 2 ** 20;

/** The arrays that a walk works with, used again from batch to batch and from section to section. */
interface Pools {
  /** For what a batch makes. */
  readonly running: BufferPool;
  /** For what a section is read into. */
  readonly weights: BufferPool;
}

/**
 * Takes sequences through all sections of a model up to the head's product. The weights of one section are in memory at a
 * time: of the embedding the rows that are needed, of the head the norm, as whoever makes its product reads the Linear in blocks. Sequences that are too
 * many to wait between sections together go in groups, each through the whole model.
 */
export async function walkSequences(walk: SequenceWalk, { atHead, afterSection }: WalkVisitors): Promise<void> {
  const { model, kernels, sequences } = walk;
  const groups = cutInGroups(sequences, Math.max(1, Math.floor(STREAM_BYTES / (4 * model.hiddenSize))));
  const stream = kernels.matrix(Math.max(0, ...groups.map(rowsOf)), model.hiddenSize);
  const pools = { running: createBufferPool(kernels), weights: createBufferPool(kernels) };
  const report = createReport(walk);
  let first = 0;
  let firstRow = 0;
  for (const group of groups) {
    const batches = makeBatches(group, stream);
    for (const section of model.sections) {
      walk.signal?.throwIfAborted();
      const progress = (share: number) => report(section, share * rowsOf(group));
      if (section.kind !== 'head') {
        await pools.weights.run(() => runBatches(walk, section, batches, pools, progress));
        await afterSection?.(section, rowsIn(stream, rowsOf(group)), firstRow);
      } else {
        const targets = Uint32Array.from(group.flatMap(({ tokens, from }) => Array.from(tokens.subarray(from))));
        const normed = await pools.weights.run(() => normBatches(walk, section, batches, pools, stream));
        await atHead({ section, normed, targets, first, progress });
        first += targets.length;
      }
    }
    firstRow += rowsOf(group);
  }
}

async function runBatches(
  { model, checkpoint, signal }: SequenceWalk,
  section: SectionSpec,
  batches: readonly SequenceBatch[],
  { running, weights: { kernels } }: Pools,
  progress: (share: number) => void,
): Promise<void> {
  const rows = batches.reduce((sum, { batch }) => sum + batch.tokens.length, 0);
  const each = async (run: (batch: SequenceBatch['batch']) => Promise<void>) => {
    for (const { batch } of batches) {
      signal?.throwIfAborted();
      await running.run(() => run(batch));
      progress(batch.tokens.length / rows);
    }
  };
  if (section.kind === 'embedding') {
    const tokens = batches.map(({ batch }) => batch.tokens);
    const program = await openEmbedding({ model, section, checkpoint, tokens, kernels, running: running.kernels });
    await each((batch) => program.embed!(batch));
    return;
  }
  const weights = await loadSection(checkpoint, section, kernels);
  const program = model.open(section, weights, running.kernels);
  await each((batch) => runSection(program, weights, batch, running.kernels));
}

/** The final norm of the rows from which tokens are scored, packed at the beginning of `stream`: no row is written before it was read. */
async function normBatches(
  { model, checkpoint }: SequenceWalk,
  section: SectionSpec,
  batches: readonly SequenceBatch[],
  { running, weights: { kernels } }: Pools,
  { columns, data }: Matrix,
): Promise<Matrix> {
  const ofLinear = new Set(section.sites[0].linears.flatMap(({ weight, bias }) => [weight, bias]));
  const tensors = section.tensors.filter((name) => !ofLinear.has(name));
  const weights = await loadSection(checkpoint, { ...section, tensors, sites: [] }, kernels);
  const [norm] = model.open(section, weights, running.kernels).stages;
  let packed = 0;
  for (const { batch, members } of batches)
    await running.run(async () => {
      const normed = await norm.input(batch);
      for (const [i, { tokens, from }] of members.entries()) {
        const start = i * batch.length + from - 1;
        const end = start + tokens.length - from;
        data.set(normed.data.subarray(start * columns, end * columns), packed * columns);
        packed += end - start;
      }
    });
  return rowsIn({ columns, data }, packed);
}

function rowsIn({ columns, data }: Pick<Matrix, 'columns' | 'data'>, rows: number): Matrix {
  return { rows, columns, data: data.subarray(0, rows * columns) };
}

/** Tells of the rows that a section has done. */
function createReport({ model, sequences, onProgress }: SequenceWalk): (section: SectionSpec, rows: number) => void {
  const total = model.sections.reduce((sum, section) => sum + work(section), 0) * rowsOf(sequences);
  let done = 0;
  return (section, rows) => {
    done += work(section) * rows;
    onProgress?.({ done, total });
  };
}

/** Multiplications a token, near enough for a progress bar. */
function work(section: SectionSpec): number {
  return section.sites.reduce(
    (sum, site) => sum + site.linears.reduce((inner, linear) => inner + linear.inFeatures * linear.outFeatures, 0),
    1,
  );
}
