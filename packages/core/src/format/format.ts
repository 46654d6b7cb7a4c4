import type { Kernels } from '@compress/kernels';
import type { Objection } from '../algorithm/algorithm.ts';
import type { Checkpoint, TensorSource } from '../checkpoint/checkpoint.ts';
import type { FloatDtype } from '../checkpoint/dtype.ts';
import type { Grid, QuantizedWeight } from '../grid/grid.ts';
import type { ScaleRows } from '../grid/group-size.ts';
import type { ActivationQuantizer, SiteInference } from '../inference/inference.ts';
import type { ModuleInference } from '../inference/module-inference.ts';
import type { LinearSpec } from '../model/model.ts';
import type { Packaging } from './packaging.ts';

/** A quantized Linear on its way to disk. */
export interface QuantizedLinear {
  readonly spec: LinearSpec;
  readonly quantized: QuantizedWeight;
  readonly treatment?: Treatment;
}

/** What a format may have to know of a Linear beside its grid and group size. */
export interface Treatment {
  /** Neighbouring rows that share their scales; `all`: one scale serves the whole weight. Absent: each row has its own. */
  readonly scaleRows?: ScaleRows;
  /** How the activation that it reads is rounded. Absent: it stays in floats. */
  readonly activations?: ActivationQuantizer;
}

/** Puts together a {@link Treatment} of what is known. */
export function treatmentOf(scaleRows: ScaleRows | undefined, site: SiteInference | undefined): Treatment {
  return { ...(scaleRows !== undefined && { scaleRows }), ...(site?.quantizer && { activations: site.quantizer }) };
}

/** The part of a changed forward pass that a format's readers do too; `inference.json` says all of it to us alone. */
export interface InferenceCarrier {
  /** Why readers cannot do what they would have to, where leaving it out would be wrong; `quantized`: weights are in codes. From shapes alone. */
  limit(modules: ModuleInference, quantized: boolean): readonly Objection[];
  /** Whether readers do all of it. */
  carries(modules: ModuleInference): boolean;
  /** Tensors beside the weights: calibrated scales. */
  tensors(modules: ModuleInference): readonly TensorSource[];
  /** What goes under `quantization_config` where no weight is in codes, or undefined where there is nothing to say. */
  configuration(modules: ModuleInference): Readonly<Record<string, unknown>> | undefined;
}

/** A weight in codes as it lies in a checkpoint: what headers and the configuration tell of it, and the way to its codes. */
export interface CodedWeight {
  readonly grid: Grid;
  /** Columns a group, all of them for one group a row. */
  readonly groupSize: number;
  /** Its groups may not follow the columns. Absent: they do. */
  readonly reordered?: boolean;
  /** What codes, scales and zero points leave out of the floats, a whole sentence: a warning of a conversion. Absent: nothing. */
  readonly remark?: string;
  /**
   * Its codes, scales and zero points as they are stored, so that another format can store the same. Throws `CompressError` of the format for what is
   * damaged, and `not-representable` where stored numbers are no scales and zero points of the grid.
   */
  read(): Promise<QuantizedWeight>;
}

/** A checkpoint of floats whose weights in codes can be had as codes too. */
export interface CodedCheckpoint extends Checkpoint {
  /** By the name of the weight, which is among `tensors` as `decoded`; empty where all weights are floats. */
  readonly coded: ReadonlyMap<string, CodedWeight>;
}

/** A program that loads what a format writes: for the model card of an output folder. */
export interface Consumer {
  readonly name: string;
  /** What the Hub calls it (`library_name`); absent: transformers, or what builds on it. */
  readonly library?: string;
  /** The command that installs it with all that the format needs. */
  readonly install?: string;
  readonly language: 'python' | 'sh' | 'js';
  /** Loads and runs the model; `FOLDER` stands for the folder or its name on the Hub. */
  readonly program: string;
}

/**
 * How consumers lay a quantized layer out on disk. One truth per fact: the layout lives in the format's file and nowhere else.
 * Everything that is not a quantized Linear is written by the walk in the input's dtype, under its own name.
 */
export interface Format {
  readonly name: string;
  readonly summary: string;
  /** It stores codes, so a pipeline without a `quantize` step cannot be written in it; false only where dequantized floats are stored. */
  readonly storesCodes: boolean;
  /** Programs that load it, the most usual first. */
  readonly consumers?: readonly Consumer[];
  /** A file beside config.json that holds the configuration too, for consumers who look there (`quantize_config.json`). */
  readonly configurationFile?: string;
  /** A second key of config.json that holds the configuration too, for consumers who look there (`quantization`). */
  readonly configurationKey?: string;
  /**
   * Why the format (or every consumer of it) cannot hold this Linear on this grid; undefined if it can. From shapes alone; `groupSize` is
   * a number of columns, all of them for one group a row; `reordered` as {@link configuration} has it.
   */
  limit(
    linear: LinearSpec,
    grid: Grid,
    groupSize: number,
    reordered?: boolean,
    treatment?: Treatment,
  ): Objection | undefined;
  /** What a well-known consumer does not run of what others do, a whole sentence that names it: a warning of the plan. Absent or undefined: nothing. From shapes alone. */
  remark?(linear: LinearSpec, grid: Grid, groupSize: number, treatment: Treatment): string | undefined;
  /**
   * Linears of one checkpoint may be on several grids. `limit`: why it does not hold these together, a whole sentence. `remark`: what a well-known consumer does not run
   * of these together, likewise: a warning of the plan. Absent: its readers take one grid for all.
   */
  readonly mixes?: {
    /** Why these grids cannot stand beside one another, a whole sentence; undefined if they can. */
    limit(grids: readonly Grid[]): string | undefined;
    /** What some reader makes of them, a whole sentence: a warning of the plan. */
    remark?(grids: readonly Grid[]): string | undefined;
  };
  /**
   * Tensors that replace the Linear's weight. The dtype is that of the checkpoint's own floats. Their bytes are made when they are asked
   * for; that rejects with `CompressError` `not-representable` for scales, zeros or values that the format cannot hold: nothing is clamped.
   */
  write(linear: QuantizedLinear, dtype: FloatDtype, kernels: Kernels): readonly TensorSource[];
  /** Bytes that `write` will make, from shapes alone. */
  size(linear: LinearSpec, grid: Grid, groupSize: number, dtype: FloatDtype, treatment?: Treatment): number;
  /** What goes under `quantization_config` in config.json (and into {@link configurationFile}), or undefined where nothing does. */
  configuration(written: {
    readonly grid: Grid;
    /** By module path, of formats that {@link mixes}: the grid of each Linear, where they differ. Absent: all are on `grid`. */
    readonly grids?: ReadonlyMap<string, Grid>;
    /** Columns a group; -1 where every Linear has one group a row. */
    readonly groupSize: number;
    /** Groups do not follow the columns: `scales.group[c]` is not floor(c / groupSize) in some Linear. Absent: they do. */
    readonly reordered?: boolean;
    /** Of the checkpoint's own floats. Absent: not known. */
    readonly dtype?: FloatDtype;
    /** Module paths of the Linears that are in codes. */
    readonly quantized: readonly string[];
    /** Module paths of the Linears that stay as they were. */
    readonly untouched: readonly string[];
    /** Of {@link Treatment}; absent: each row has its own scales. */
    readonly scaleRows?: ScaleRows;
    /** What the forward pass does more. In the plan, scales that calibration will find are 1. */
    readonly modules?: ModuleInference;
  }): Readonly<Record<string, unknown>> | undefined;
  /** Absent: the format's readers know the ordinary forward pass alone. */
  readonly carrier?: InferenceCarrier;
  /** Absent: all tensors are written as `model.safetensors`, or shards of it. */
  readonly packaging?: Packaging;
  /** True if a config.json's `quantization_config` is this format's. */
  recognizes(quantizationConfig: Readonly<Record<string, unknown>>): boolean;
  /**
   * The same checkpoint with each quantized Linear's `weight` as an F32 tensor decoded on reading, `[out, in]` and marked `decoded`, and as `coded`.
   * The walk reads every Linear back through this before it computes with it, so a run sees what readers of its output will see.
   */
  open(checkpoint: Checkpoint, quantizationConfig: Readonly<Record<string, unknown>>): Promise<CodedCheckpoint>;
}
