import { z } from 'zod';

/** Its name in the output folder. */
export const MANIFEST_FILE = 'manifest.json';
/** Times, memory and machine of the run: beside the manifest because they differ from run to run. */
export const RUN_FILE = 'run.json';
/** What a folder may hold beside the files of its manifest. */
export const UNLISTED_FILES: readonly string[] = [MANIFEST_FILE, RUN_FILE, 'report.html'];

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const files = z.record(z.string(), z.strictObject({ bytes: z.int().nonnegative(), sha256 }));
const count = z.int().nonnegative();

/** What came out of a run and of what: the same bytes for the same recipe and inputs, so neither times nor anything of the machine. */
export const manifestSchema = z.strictObject({
  program: z.literal('compress'),
  /** Of this schema. */
  version: z.literal(1),
  recipe: z.record(z.string(), z.json()),
  versions: z.record(z.string(), z.string()),
  numerics: z.enum(['fma', 'mul-add', 'reference']),
  seed: z.int(),
  format: z.string(),
  pipeline: z.array(z.strictObject({ algorithm: z.string(), options: z.json() })),
  /** Null if nothing was observed. */
  calibration: z.nullable(z.strictObject({ sequences: count, length: count, digest: z.string() })),
  model: z.strictObject({ architecture: z.string(), sections: count, linears: count }),
  /** What was read. */
  inputs: files,
  /** What was written, but for this file and {@link RUN_FILE}. */
  outputs: files,
  /** One entry for each Linear and step that treated it, in the order of the walk. */
  layers: z.array(
    z.strictObject({
      layer: z.string(),
      algorithm: z.string(),
      bitsPerWeight: z.number(),
      figures: z.record(z.string(), z.number()),
    }),
  ),
  untouched: z.array(z.strictObject({ layer: z.string(), reason: z.string() })),
  warnings: z.array(
    z.strictObject({ algorithm: z.string(), code: z.string(), layer: z.string(), message: z.string() }),
  ),
  totals: z.strictObject({
    /** Payload of all tensors in bytes, before and after. */
    bytesBefore: count,
    bytesAfter: count,
    touched: count,
    /** Mean over the weights of the touched Linears, scales and zeros included. */
    bitsPerWeight: z.number(),
  }),
});

/** What came out, and of what: inputs and outputs with their hashes, options, versions, numerics, errors per layer. */
export type Manifest = z.infer<typeof manifestSchema>;

/** Times and machine of the run that wrote a folder; nothing of it is in any hash. */
export interface RunInfo {
  readonly seconds: number;
  /** Peak resident memory of the process, in bytes. */
  readonly peakMemory: number;
  /** Most bytes of activations in memory and in the spill file; 0 if nothing observed. */
  readonly activations: { readonly memory: number; readonly spilled: number };
  readonly threads: number;
  readonly node: string;
  readonly platform: string;
  /** Sections that an earlier, interrupted run had finished. */
  readonly resumedSections: number;
  /** What was looked at in the whole model before anything was treated; 0 where no step asks for it. */
  readonly survey: { readonly seconds: number };
  /** In the order of the walk; `seconds` of a resumed section are those of the run that finished it. */
  readonly sections: readonly { readonly section: string; readonly seconds: number }[];
  readonly layers: readonly { readonly layer: string; readonly algorithm: string; readonly seconds: number }[];
}
