import type { Kernels, Matrix } from '@compress/kernels';

/** One `[out, in]` weight and its optional bias. */
export interface LinearSpec {
  /** Module path, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly name: string;
  /** Tensor names in the checkpoint. */
  readonly weight: string;
  readonly bias?: string;
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** Stored `[in, out]` (GPT-2's Conv1D): turned on reading and turned back on writing. */
  readonly transposed: boolean;
  /** Why algorithms leave it alone (output head, router), or undefined if they may touch it. */
  readonly untouched?: string;
}

/** One activation that feeds one or more Linears. Statistics belong to sites. */
export interface SiteSpec {
  /** e.g. `model.layers.0.attention_input`. */
  readonly name: string;
  readonly features: number;
  readonly linears: readonly LinearSpec[];
}

/**
 * An exact way to move a per-channel scale s out of a site: dividing `from` by s and multiplying the columns of every Linear of `site`
 * by s leaves the function as it was. `norm`: divide the gain (and bias); with `unitOffset`, gain' = (gain + 1) / s - 1.
 * `linear`: divide output rows of that Linear (and bias); input channel j of the site comes from row `rows[j]`, so channels that share a row
 * (grouped queries) must share a scale.
 */
export type Link =
  | {
      readonly kind: 'norm';
      readonly gain: string;
      readonly bias?: string;
      readonly unitOffset: boolean;
      readonly site: string;
      readonly alsoScale: readonly string[];
    }
  | { readonly kind: 'linear'; readonly from: string; readonly rows: Uint32Array; readonly site: string };

/** What is in memory at one time: the embedding, one decoder block, or the head. */
export interface SectionSpec {
  /** `embedding`, `blocks.0`, ..., `head`. */
  readonly name: string;
  readonly kind: 'embedding' | 'block' | 'head';
  /** Every tensor that the section needs, tied ones included. */
  readonly tensors: readonly string[];
  /** In the order in which data meets them. */
  readonly sites: readonly SiteSpec[];
  readonly links: readonly Link[];
}

/** A section's weights as f32: Linears as `[out, in]` under their module path, every other tensor under its own name. */
export interface SectionWeights {
  readonly linears: Map<string, { weight: Matrix; bias?: Float32Array }>;
  readonly tensors: Map<string, Float32Array>;
}

/** Whole sequences of equal length on their way through the model. */
export interface Batch {
  readonly sequences: number;
  readonly length: number;
  /** `[sequences * length]` token ids. */
  readonly tokens: Uint32Array;
  /** The residual stream, `[sequences * length, hidden]`; changed in place by the stages. */
  readonly hidden: Matrix;
  /**
   * What a stage leaves for later stages of the same section; emptied when the section ends. Whoever consumes an entry last deletes it:
   * between two sites the walk keeps what is there for all batches.
   */
  readonly state: Map<string, Matrix | Uint32Array>;
}

/** One site of a section at work. Stages run in order; each computes its site's input, and then takes its Linears' outputs. */
export interface Stage {
  readonly site: SiteSpec;
  /**
   * The activation that feeds the site's Linears, `[tokens, features]`; `tokens` may be fewer than the batch's rows (experts), even 0.
   * Called once for a batch, and the caller owns the result: it is never `batch.hidden` itself nor kept in `batch.state`.
   */
  input(batch: Batch): Promise<Matrix>;
  /** Takes the outputs of the site's Linears, `[tokens, out]` each, in the order of `site.linears`. */
  output(batch: Batch, outputs: readonly Matrix[]): Promise<void>;
}

/** A section with its weights, ready to run. The head's only stage leaves logits to the caller: see {@link Model.logits}. */
export interface SectionProgram {
  /** Only of the embedding: fills `batch.hidden`. */
  embed?(batch: Batch): Promise<void>;
  readonly stages: readonly Stage[];
}

/** A decoder as the walk sees it: sections in order, each opened with its weights. */
export interface Model {
  readonly architecture: string;
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  readonly contextLength: number;
  /** The head reads the embedding's tensor. */
  readonly tied: boolean;
  readonly sections: readonly SectionSpec[];
  open(section: SectionSpec, weights: SectionWeights, kernels: Kernels): SectionProgram;
  /**
   * Final norm and output head over rows of the residual stream: `[rows, hidden]` to `[rows, vocabulary]`.
   * `program` is the opened head section. Callers pass few rows at a time: logits are wide.
   */
  logits(program: SectionProgram, weights: SectionWeights, hidden: Matrix, kernels: Kernels): Promise<Matrix>;
}
