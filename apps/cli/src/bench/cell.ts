import type { Kernels } from '@compress/kernels';
import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const seconds = z.number().nonnegative();
const bytes = z.int().nonnegative();

/** All that decides a cell's result. A cell's key is the sha256 of it. */
const inputsSchema = z.strictObject({
  /** Over the names and hashes of all files of the model that are read or carried over. */
  model: sha256,
  /** Null where the model is measured as it is. */
  compression: z.nullable(
    z.strictObject({
      pipeline: z.array(z.strictObject({ algorithm: z.string(), options: z.json() })),
      format: z.string(),
      seed: z.int(),
      /** Null where no step observes anything. `text` is the sha256 of its content. */
      calibration: z.nullable(z.record(z.string(), z.json())),
    }),
  ),
  /** The measure, what of its options decides its numbers, and the sha256 of the content of each of its texts. */
  evaluation: z.strictObject({ measure: z.string(), settings: z.json(), texts: z.array(sha256) }),
  numerics: z.enum(['fma', 'mul-add', 'reference']),
  versions: z.record(z.string(), z.string()),
});

/** What of a cell is the same whenever it is done again, on any machine. */
const outcomeSchema = z.strictObject({
  metrics: z.record(z.string(), z.number()),
  /** Payload of all tensors, of the model and of the output. */
  inputBytes: bytes,
  bytes,
  /** Mean over the weights that were touched, scales and zeros included; null where no weight is. */
  bitsPerWeight: z.nullable(z.number()),
  warnings: z.int().nonnegative(),
  /** sha256 of each file of the output; none where the model is measured as it is. */
  outputs: z.record(z.string(), sha256),
  /** Linears that were treated, in the order of the walk. */
  layers: z.array(z.string()),
  /** What the algorithms report, in the order of `layers`; null of a layer that has no such figure. */
  figures: z.record(z.string(), z.array(z.nullable(z.number()))),
});

/** One line of the results. */
export const cellResultSchema = z.strictObject({
  key: sha256,
  /** Names in the matrix. */
  model: z.string(),
  pipeline: z.string(),
  evaluation: z.string(),
  inputs: inputsSchema,
  ...outcomeSchema.shape,
  /** sha256 of the outcome: what two runs of the same cell must agree in. */
  digest: sha256,
  /** Of the walk (0 where nothing is compressed) and of this measure. */
  seconds: z.strictObject({ compress: seconds, evaluate: seconds }),
  /** Peak resident memory in bytes: while compressing, and of the process that did both. */
  memory: z.strictObject({ compress: z.nullable(bytes), process: bytes }),
  machine: z.strictObject({
    cpu: z.string(),
    cores: z.int(),
    memory: bytes,
    platform: z.string(),
    node: z.string(),
    threads: z.int(),
    /** Mean number of processes that wanted to run in the minute before the cell began. */
    load: z.number(),
  }),
  /** When the cell was done. */
  finished: z.iso.datetime(),
});

/** All that decides a cell's result. */
export type CellInputs = z.infer<typeof inputsSchema>;

/** What a cell's digest is taken of. */
export type CellOutcome = z.infer<typeof outcomeSchema>;

/** A cell that was done. */
export type CellResult = z.infer<typeof cellResultSchema>;

/** One model, compressed one way or not at all, under one measure: what is still to be done or was done. */
export interface Cell {
  readonly key: string;
  readonly model: string;
  readonly pipeline: string;
  readonly evaluation: string;
  readonly inputs: CellInputs;
}

/** Cells that share one compressed model, so that it is made once. */
export interface Job {
  /** sha256 of what the compressed model depends on. */
  readonly id: string;
  readonly model: string;
  readonly pipeline: string;
  readonly cells: readonly Cell[];
}

/** What of the kernels is in a key. */
export type Numerics = Kernels['numerics'];

/** A cell's place in the matrix, for people. */
export function nameOfCell({ model, pipeline, evaluation }: Pick<Cell, 'model' | 'pipeline' | 'evaluation'>): string {
  return `${model} · ${pipeline} · ${evaluation}`;
}
