import type { Kernels, Matrix } from '@compress/kernels';
import type { Batch, Model, SectionSpec, SectionWeights } from '../model/model.ts';
import { createBufferPool } from './buffer-pool.ts';
import { batchSize, batchSizes } from './calibration-data.ts';
import { runStage } from './run-section.ts';

/** Sequences that {@link createPartInputs} keeps of `sequences` of so many tokens, so that they have about `tokens` together: what the plan counts by. */
export function keptSequences({ sequences, length }: { sequences: number; length: number }, tokens: number): number {
  return Math.min(sequences, Math.max(1, Math.ceil(tokens / length)));
}

/** A few sequences together, and the residual stream before each part. */
interface Kept extends Pick<Batch, 'sequences' | 'length' | 'tokens'> {
  /** `[parts]` of `[sequences * length, hidden]`. */
  readonly streams: readonly Matrix[];
}

/** Some of the calibration tokens where each part of a section begins, to run these parts again with other weights. */
export interface PartInputs {
  /** Keeps what the part that begins with this site reads, of the sequences that were chosen. For every batch in order. */
  keep(site: string, batch: Batch, index: number): void;
  /** What the part that a site belongs to adds to the residual stream, `[tokens, hidden]`. Once all batches were seen. */
  rerun(site: string, weights: SectionWeights): Promise<Matrix>;
}

/** Whole sequences, spread evenly over all `sequences`. Throws `TypeError` for a site of no part. */
export function createPartInputs(p: {
  readonly model: Model;
  readonly section: SectionSpec;
  /** About so many are kept. */
  readonly tokens: number;
  /** Of the calibration set. */
  readonly sequences: number;
  readonly kernels: Kernels;
}): PartInputs {
  const { model, section, kernels } = p;
  const parts = section.parts ?? [];
  const pool = createBufferPool(kernels);
  let batches: Kept[] | undefined;

  /** Places of the chosen sequences. */
  const chosen = (length: number) => {
    const count = keptSequences({ sequences: p.sequences, length }, p.tokens);
    return Array.from({ length: count }, (_, i) => Math.floor((i * p.sequences) / count));
  };
  const empty = (length: number) =>
    batchSizes(chosen(length).length, length).map((sequences) => ({
      sequences,
      length,
      tokens: new Uint32Array(sequences * length),
      streams: parts.map(() => kernels.matrix(sequences * length, model.hiddenSize)),
    }));

  function keep(site: string, batch: Batch, index: number): void {
    const part = parts.findIndex(([first]) => first === site);
    if (part < 0) return;
    const { length, hidden, tokens } = batch;
    batches ??= empty(length);
    const size = batchSize(length);
    const { columns } = hidden;
    for (const [i, sequence] of chosen(length).entries()) {
      const from = (sequence - index * size) * length;
      if (from < 0 || from >= hidden.rows) continue;
      const to = (i % size) * length;
      const target = batches[Math.floor(i / size)];
      target.tokens.set(tokens.subarray(from, from + length), to);
      target.streams[part].data.set(hidden.data.subarray(from * columns, (from + length) * columns), to * columns);
    }
  }

  async function rerun(site: string, weights: SectionWeights): Promise<Matrix> {
    const part = parts.findIndex((sites) => sites.includes(site));
    if (part < 0 || batches === undefined) throw new TypeError(`no part of ${section.name} with ${site} was kept`);
    const added = kernels.matrix(
      batches.reduce((rows, { tokens }) => rows + tokens.length, 0),
      model.hiddenSize,
    );
    let at = 0;
    for (const { streams, ...batch } of batches) {
      const before = streams[part];
      const start = at;
      await pool.run(async () => {
        const hidden = pool.kernels.matrix(before.rows, before.columns);
        hidden.data.set(before.data);
        const stages = model
          .open(section, weights, pool.kernels)
          .stages.filter((stage) => parts[part].includes(stage.site.name));
        const running = { ...batch, hidden, state: new Map() };
        for (const stage of stages) await runStage(stage, weights, running, pool.kernels);
        for (let i = 0; i < before.data.length; i++) added.data[start + i] = hidden.data[i] - before.data[i];
      });
      at += before.data.length;
    }
    return added;
  }

  return { keep, rerun };
}
