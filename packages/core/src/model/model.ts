import type { Kernels, Matrix } from '@compress/kernels';
import type { Past } from '../inference/attention-cache.ts';
import type { SectionInference } from '../inference/section-inference.ts';
import type { Decoder } from './decoder.ts';

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
 * by s leaves the function as it was. `norm`: divide the gain (and bias); with `unitOffset`, gain' = (gain + 1) / s - 1; the Linears of the
 * sites named in `alsoScale` read the same norm (each expert sees some of the tokens that the router's site sees) and must be multiplied
 * too, Linears that algorithms leave `untouched` included.
 * `linear`: divide output rows of that Linear (and bias), s > 0; input channel j of the site comes from row `rows[j]`, so channels that share
 * a row (grouped queries) must share a scale. `rows` are rows of the stored Linear, which may be fused with others.
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

/** Heads of a block's attention: query head h reads key head floor(h keyHeads / heads). */
export interface HeadGeometry {
  readonly heads: number;
  readonly keyHeads: number;
  readonly headDimension: number;
}

/** A norm that reads the residual stream, and the Linears that read nothing but its output (routers and experts included). */
export interface ResidualNorm {
  readonly gain: string;
  readonly bias?: string;
  readonly unitOffset: boolean;
  /** LayerNorm, which subtracts the row's mean; otherwise RMSNorm. */
  readonly centers: boolean;
  readonly readers: readonly string[];
}

/** All that touches the residual stream in a section: what a rotation x -> x Q of it must change (QuaRot, SpinQuant). */
export interface ResidualSpec {
  readonly norms: readonly ResidualNorm[];
  /** Linears whose outputs are added to the stream. */
  readonly writers: readonly string[];
  /** Tensors `[rows, hidden]` whose rows are added to the stream: token and position embeddings. */
  readonly tables: readonly string[];
  /** Why the stream cannot be rotated exactly (a norm between a writer and the stream), or undefined. */
  readonly obstacle?: string;
}

/** What is in memory at one time: the embedding, one decoder block, or the head. */
export interface SectionSpec {
  /** `embedding`, `blocks.0`, ..., `head`. */
  readonly name: string;
  readonly kind: 'embedding' | 'block' | 'head';
  /** Every tensor that the section needs, tied ones included. */
  readonly tensors: readonly string[];
  /** In the order in which data meets them. */
  readonly sites: readonly SiteSpec[];
  /** Where there is attention, the link from its values to its output is the first of kind `linear`. */
  readonly links: readonly Link[];
  /** Of the embedding: the table `[vocabulary, hidden]` of which a batch needs the rows of its tokens alone (see `openEmbedding`); absent: it needs all. */
  readonly tokenTable?: string;
  /** Needed by rotations alone. */
  readonly residual?: ResidualSpec;
  /**
   * Of a block: the names of its sites by the part that they belong to, in order. A part reads the residual stream and adds to it: attention, then
   * feed-forward; both are one where they are parallel.
   */
  readonly parts?: readonly (readonly string[])[];
  /** Of a block: the link from values to the attention's output holds the rows, this the heads they belong to. */
  readonly attention?: HeadGeometry;
}

/** A section's weights as f32: Linears as `[out, in]` under their module path, every other tensor under its own name; and what its forward pass does more. */
export interface SectionWeights {
  readonly linears: Map<string, { weight: Matrix; bias?: Float32Array }>;
  readonly tensors: Map<string, Float32Array>;
  readonly inference: SectionInference;
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
  /**
   * Where a sequence goes on, what it has behind it, to which the sections add; the batch is this one sequence. Absent: sequences begin and end here.
   * Sections make what they keep in it with the kernels that they were opened with, so these must not take their arrays back.
   */
  readonly past?: Past;
}

/** One site of a section at work. Stages run in order; each computes its site's input, and then takes its Linears' outputs. */
export interface Stage {
  readonly site: SiteSpec;
  /**
   * The activation at the site, `[tokens, features]`, before what {@link SectionWeights.inference} says of it (see `stageInput`); `tokens` may be fewer than the batch's rows (experts), even 0.
   * Called once for a batch, and the caller owns the result: it is never `batch.hidden` itself nor kept in `batch.state`.
   */
  input(batch: Batch): Promise<Matrix>;
  /** Takes the outputs of the site's Linears, `[tokens, out]` each, in the order of `site.linears`; it owns and may overwrite them. */
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
  /** The forward pass as data, for formats that write it out as a graph of operators. Absent: there is no such description. */
  readonly decoder?: Decoder;
  /**
   * Whether a sequence of `from` tokens can go on to `to` tokens from its {@link Past}: not where the rotation of earlier keys changes with the length
   * (LongRoPE), since then the longer sequence must be run from its start. Absent: always.
   */
  continues?(from: number, to: number): boolean;
  /** The same decoder with an output head of its own; itself where it has one. */
  untie(): Model;
  /**
   * Makes a section ready to run with these weights, which are read when stages run: what is replaced in between counts. Arrays that the
   * program makes with `kernels` while it runs belong to the batch: after it they are used again, and what is in `state` was copied.
   */
  open(section: SectionSpec, weights: SectionWeights, kernels: Kernels): SectionProgram;
  /**
   * Final norm and output head over rows of the residual stream: `[rows, hidden]` to `[rows, vocabulary]`.
   * `program` is the opened head section. Callers pass few rows at a time: logits are wide. It is the input of the head's only stage through its only
   * Linear and nothing more, so whoever reads the Linear's rows in blocks gets the same logits.
   */
  logits(program: SectionProgram, weights: SectionWeights, hidden: Matrix, kernels: Kernels): Promise<Matrix>;
}
