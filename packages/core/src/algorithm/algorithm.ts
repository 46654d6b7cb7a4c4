import type { Kernels, Matrix } from '@compress/kernels';
import type { z } from 'zod';
import type { Grid, QuantizedWeight } from '../grid/grid.ts';
import type { GroupSize, ScaleRows } from '../grid/group-size.ts';
import type { CacheInference, SiteInference } from '../inference/inference.ts';
import type { SectionInference } from '../inference/section-inference.ts';
import type { HeadGeometry, LinearSpec, Model, SectionSpec, SectionWeights, SiteSpec } from '../model/model.ts';
import type { RandomStream } from '../random.ts';
import type { Observation, Statistics } from '../statistics/statistics.ts';

/** Order is meaning: a pipeline runs transforms, then prunes, then quantizes, then treats the cache. */
export type AlgorithmStage = 'transform' | 'prune' | 'quantize' | 'cache';

/** Something the user must know: a damping raised, a channel dead, a site without tokens. Under `strict` it stops the run. */
export interface Warning {
  readonly code: string;
  readonly layer: string;
  readonly message: string;
}

/** A Linear as an algorithm meets it. Inputs are never modified: results are returned. */
export interface SiteLinear {
  readonly spec: LinearSpec;
  /** `[out, in]`, as earlier steps of the pipeline left it. */
  readonly weight: Matrix;
  /** `[out, in]`, 1 where an earlier prune put a zero that must stay. */
  readonly mask?: Uint8Array;
}

/** What an algorithm made of one Linear. */
export interface LinearResult {
  /** The new weight in f32, `[out, in]`. Absent where `quantized` is given: its values are the weight. */
  readonly weight?: Matrix;
  readonly quantized?: QuantizedWeight;
  readonly mask?: Uint8Array;
  /** Figures for the report, e.g. `loss` tr((W-Q) H (W-Q)^T) and `rtnLoss`; keys are the same for every Linear. */
  readonly figures: Readonly<Record<string, number>>;
  /** Where the survey decided: bits per weight, scales and zeros included. Absent: what {@link Algorithm.bitsPerWeight} foretold. */
  readonly bitsPerWeight?: number;
}

/** A look at the whole float model before any Linear is treated, by which shares are dealt out between sections. */
export interface Survey {
  readonly observes: readonly Observation[];
  /** It must be known how far the model's outputs move when noise is added to each Linear: some forward passes more for each. Absent: it need not. */
  readonly sensitivities?: boolean;
  /** How often each Linear is rounded, or its errors weighed by a gram: what the plan counts work by. Absent: never. */
  readonly roundings?: number;
  /** What must be known of a section: its sites with their Linears, and what was observed there. */
  section(
    sites: readonly { readonly linears: readonly SiteLinear[]; readonly statistics: Statistics }[],
    kernels: Kernels,
  ): Promise<Readonly<Record<string, number>>>;
}

/** What a survey found in one section. */
export interface SurveyedSection {
  readonly section: SectionSpec;
  readonly figures: Readonly<Record<string, number>>;
  /** By Linear, if they were asked for: the divergence of the model's outputs for noise as large as the weight itself (see `measureSensitivities`). */
  readonly sensitivities?: Readonly<Record<string, number>>;
}

/** What an algorithm that treats sites is handed: the site, its Linears, and what calibration observed there. */
export interface SiteContext {
  readonly site: SiteSpec;
  /** The Linears to treat; those that the architecture leaves untouched are not among them. */
  readonly linears: readonly SiteLinear[];
  readonly statistics: Statistics;
  /** If the algorithm made a survey: all sections that it treats. */
  readonly survey?: readonly SurveyedSection[];
  readonly kernels: Kernels;
  /** Seeded by recipe, algorithm and site: the same however the run is divided or resumed. */
  readonly random: RandomStream;
  /** Adds to what happens at this site before its Linears read it, from now on and in the output. */
  infer(change: SiteInference): void;
  /** Puts it into the report; under `strict` it throws. */
  warn(warning: Warning): void;
}

/** A transform sees a whole section: its weights and their inference may be replaced in place, and nothing else. */
export interface SectionContext {
  /** Which the section is of, untied where the pipeline unties it. */
  readonly model: Model;
  readonly section: SectionSpec;
  readonly weights: SectionWeights;
  /** By site name. */
  readonly statistics: ReadonlyMap<string, Statistics>;
  /** What the quantizer that follows will leave of a Linear; absent where none follows. */
  readonly quantization?: (linear: LinearSpec) => { readonly grid: Grid; readonly groupSize: number };
  readonly kernels: Kernels;
  readonly random: RandomStream;
  /**
   * If the algorithm says {@link Algorithm.reruns}, of a block: what the part of it that a site belongs to (`SectionSpec.parts`) adds to the residual
   * stream with these weights, `[tokens, hidden]`, always of the same calibration tokens. The stream that the part reads is that of the section as the
   * algorithm met it.
   */
  rerun?(site: string, weights: SectionWeights): Promise<Matrix>;
  /** Puts it into the report; under `strict` it throws. */
  warn(warning: Warning): void;
  /** Puts figures of a Linear into the report. */
  figures(layer: string, figures: Readonly<Record<string, number>>): void;
}

/** Largest magnitudes of what a section's cache was given in calibration, `[keyHeads]` each. */
export interface CacheExtremes {
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** What an algorithm that treats caches is handed: a block whose weights are final. */
export interface CacheContext {
  readonly section: SectionSpec;
  /** Of the section. */
  readonly heads: HeadGeometry;
  /** What calibration saw, if the algorithm watches. */
  readonly extremes?: CacheExtremes;
  /** Puts it into the report; under `strict` it throws. */
  warn(warning: Warning): void;
}

/** Why a Linear cannot be treated with these options: told by the plan, before any work. */
export interface Objection {
  readonly layer: string;
  readonly message: string;
}

/** One step of a pipeline. At least one of `site`, `section` and `cache` is there, as the stage demands. */
export interface Algorithm<Options = unknown> {
  readonly name: string;
  /** Its place in a pipeline, unless {@link stageFor} is there. */
  readonly stage: AlgorithmStage;
  /** Where options decide: a prune that is given a grid quantizes in the same sweep, and counts as `quantize`. */
  stageFor?(options: Options): AlgorithmStage;
  /** One sentence for help texts and the JSON schema. */
  readonly summary: string;
  /** Strict; every key has a default and a description. */
  readonly options: z.ZodType<Options>;
  /** What calibration must observe at every site; absent: nothing. */
  observes?(options: Options): readonly Observation[];
  /** `prune` and `quantize`: the whole model must be seen before the first section is treated, which costs one more pass. Absent or undefined: it need not. */
  survey?(options: Options): Survey | undefined;
  /**
   * `transform` only: it runs parts of sections again with weights that it tries, each so many times, on about so many calibration tokens: whole sequences, spread
   * over all, which are kept for it. Absent or undefined: it does not.
   */
  reruns?(options: Options): { readonly tokens: number; readonly times: number } | undefined;
  /** From shapes alone. */
  check?(linear: LinearSpec, options: Options): Objection | undefined;
  /** The same of the model as a whole: what stands in the way, and what its user must know beforehand. From shapes alone. */
  checkModel?(
    model: Model,
    options: Options,
  ): { readonly objections: readonly Objection[]; readonly warnings: readonly Warning[] };
  /**
   * `transform` only: the output head will differ from the token table, so a model that ties them gets a head of its own before anything else
   * happens, and config.json says so. Absent: never.
   */
  unties?(options: Options): boolean;
  /**
   * `transform` only: the rounding that it prepares weights for, as far as its options say; the rest it takes from {@link SectionContext.quantization}. The
   * plan warns where the quantizer that follows rounds otherwise. Absent: it prepares for none.
   */
  prepares?(options: Options): { readonly grid?: Grid; readonly groupSize?: GroupSize };
  /** `transform` only: what it leaves would be wrong after any other transform, and why. Absent or undefined: it would not. */
  mustBeLast?(options: Options): string | undefined;
  /** From the names and shapes of all Linears that it will treat: what is wrong with the options, each a whole sentence that names the algorithm. */
  checkTogether?(linears: readonly LinearSpec[], options: Options): readonly string[];
  /** `quantize` only, and there required: what the step will leave of this Linear; formats judge and size it before any work. From shapes alone. */
  quantization?(
    linear: LinearSpec,
    options: Options,
  ):
    | {
        readonly grid: Grid;
        readonly groupSize: number;
        /** Grids that it may get in the place of `grid`, once the model was surveyed: formats must hold every one. Absent: none. */
        readonly alternatives?: readonly Grid[];
        /** Groups will not follow the columns (activation order without static groups): formats must be told. Absent: they will. */
        readonly reordered?: boolean;
        /** Neighbouring rows that share their scales. Absent: each row has its own. */
        readonly scaleRows?: ScaleRows;
      }
    | undefined;
  /**
   * What it will add to a section's forward pass, for formats to judge before any work. From shapes alone: scales that calibration will find are 1.
   * Absent: nothing.
   */
  infers?(section: SectionSpec, options: Options): SectionInference;
  /** Bits per weight after this step, scales and zeros included; absent or undefined: unchanged. From shapes alone. */
  bitsPerWeight?(linear: LinearSpec, options: Options): number | undefined;
  /** `prune` and `quantize`: results in the order of `context.linears`. */
  site?(context: SiteContext, options: Options): Promise<readonly LinearResult[]>;
  /** `transform`. */
  section?(context: SectionContext, options: Options): Promise<void>;
  /** `cache`: of each block with attention, how it keeps keys and values. The walk's own forward passes keep them in floats. */
  cache?(context: CacheContext, options: Options): CacheInference;
  /** `cache` only: calibration must watch keys and values, before RoPE or after it. Absent: it need not. */
  watches?(options: Options): { readonly keysBeforeRotary: boolean } | undefined;
}

/** Keeps the options' type between the schema and the functions. */
export function defineAlgorithm<Options>(algorithm: Algorithm<Options>): Algorithm<Options> {
  return algorithm;
}
