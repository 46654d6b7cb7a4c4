import type { Kernels, Matrix } from '@compress/kernels';
import type { Batch } from '../model/model.ts';
import { type Activation, createActivationStore } from './activation-store.ts';
import { createBufferPool } from './buffer-pool.ts';

/** Rows that one batch has, about: enough to keep every thread busy, few enough that a batch's inner activations stay small. */
const BATCH_TOKENS = 2048;

/** Sequences of a whole batch. From shapes alone: neither threads nor memory may decide what is computed together. */
export function batchSize(length: number): number {
  return Math.max(1, Math.floor(BATCH_TOKENS / length));
}

/** Sequences of each batch. */
export function batchSizes(sequences: number, length: number): number[] {
  const size = batchSize(length);
  const sizes = new Array<number>(Math.floor(sequences / size)).fill(size);
  return sequences % size === 0 ? sizes : [...sizes, sequences % size];
}

/** All calibration tokens on their way through the model, batch by batch: the residual stream, what stages left, and one site's inputs. */
export interface CalibrationData {
  /** For the forward pass: arrays that it makes during `each` and `peek` are used again for the next batch. */
  readonly kernels: Kernels;
  /** All of them. */
  readonly sequences: number;
  /** Runs `work` on each batch in order. With `keep`, what it left in the batch is there the next time; without, it is forgotten. */
  each(work: (batch: Batch, index: number) => Promise<void>, keep: boolean): Promise<void>;
  /** Runs `work` on a copy of each batch. */
  peek(work: (batch: Batch, index: number) => Promise<void>): Promise<void>;
  /** Keeps a site's input of one batch until it is taken. */
  putInput(index: number, input: Matrix): Promise<void>;
  takeInput(index: number): Promise<Matrix>;
  /** The same, and it stays. Outside `each` and `peek` of this data. */
  peekInput(index: number): Promise<Matrix>;
  /** Most bytes that lay in memory and in the spill file at one time. */
  readonly peak: { readonly memory: number; readonly spilled: number };
  close(): Promise<void>;
}

export function createCalibrationData(p: {
  sequences: readonly Uint32Array[];
  hiddenSize: number;
  /** Features of the widest site. */
  widest: number;
  /** Where activations go beyond `memory` bytes. */
  file: string;
  memory: number;
  kernels: Kernels;
}): CalibrationData {
  const length = p.sequences[0].length;
  const pool = createBufferPool(p.kernels);
  const { kernels } = pool;
  const store = createActivationStore({ file: p.file, limit: p.memory, kernels: p.kernels, reading: kernels });
  let first = 0;
  const batches = batchSizes(p.sequences.length, length).map((sequences) => {
    const tokens = new Uint32Array(sequences * length);
    for (let i = 0; i < sequences; i++) tokens.set(p.sequences[first + i], i * length);
    first += sequences;
    return { sequences, length, tokens, started: false, state: [] as string[] };
  });

  async function load(index: number): Promise<Batch> {
    const { sequences, tokens, started, state } = batches[index];
    const hidden = started
      ? ((await store.get(`hidden ${index}`)) as Matrix)
      : kernels.matrix(tokens.length, p.hiddenSize);
    const batch: Batch = { sequences, length, tokens, hidden, state: new Map() };
    for (const key of state) batch.state.set(key, await store.get(`state ${index} ${key}`));
    return batch;
  }

  async function save(index: number, batch: Batch, loaded: Batch['state'], keep: boolean): Promise<void> {
    const entry = batches[index];
    for (const key of entry.state) if (!keep || !batch.state.has(key)) store.delete(`state ${index} ${key}`);
    const state = keep ? withoutAliases(batch.state, loaded) : new Map<string, Activation>();
    entry.state = [...state.keys()];
    for (const [key, value] of state) await store.put(`state ${index} ${key}`, value);
    entry.started = true;
    if (keep) await store.put(`hidden ${index}`, batch.hidden);
    else store.delete(`hidden ${index}`);
  }

  return {
    kernels,
    sequences: p.sequences.length,
    peak: store.peak,
    async each(work, keep) {
      for (const index of batches.keys())
        await pool.run(async () => {
          const batch = await load(index);
          const loaded = new Map(batch.state);
          await work(batch, index);
          await save(index, batch, loaded, keep);
        });
    },
    async peek(work) {
      for (const index of batches.keys())
        await pool.run(async () => {
          const batch = await load(index);
          const hidden = kernels.matrix(batch.hidden.rows, batch.hidden.columns);
          hidden.data.set(batch.hidden.data);
          await work({ ...batch, hidden }, index);
        });
    },
    putInput: (index, input) =>
      store.put(`input ${index}`, input, 4 * batches[index].tokens.length * Math.max(p.widest, p.hiddenSize)),
    async takeInput(index) {
      const input = await store.get(`input ${index}`);
      store.delete(`input ${index}`);
      return input as Matrix;
    },
    peekInput: async (index) => (await store.get(`input ${index}`)) as Matrix,
    close: () => store.close(),
  };
}

/** A stage may have given what lies in one entry's place another name: it is copied before anything is put into that place. */
function withoutAliases(state: Batch['state'], loaded: Batch['state']): Map<string, Activation> {
  const arrayOf = (value: Activation) => (value instanceof Uint32Array ? value : value.data);
  const places = [...loaded.values()].map(arrayOf);
  const lies = (array: ArrayBufferView) =>
    places.some(
      ({ buffer, byteOffset, byteLength }) =>
        buffer === array.buffer && byteOffset <= array.byteOffset && array.byteOffset < byteOffset + byteLength,
    );
  const own = ([key, value]: [string, Activation]): [string, Activation] => {
    if (loaded.get(key) === value || !lies(arrayOf(value))) return [key, value];
    return [key, value instanceof Uint32Array ? value.slice() : { ...value, data: value.data.slice() }];
  };
  return new Map([...state].map(own));
}
