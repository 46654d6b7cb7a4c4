import type { WarningRecord } from '../walk/reporter.ts';
import type { CompressRequest } from '../walk/request.ts';

/** What a plan needs: a request without its tokens and its workers, so that it can be made without reading any text. */
export interface PlanRequest
  extends Pick<
    CompressRequest,
    'model' | 'checkpoint' | 'source' | 'output' | 'pipeline' | 'allowReorder' | 'format' | 'activationMemory'
  > {
  /** Absent when there is no calibration set. */
  readonly calibration?: { readonly sequences: number; readonly length: number };
  readonly kernels: Pick<CompressRequest['kernels'], 'numerics' | 'threads'>;
}

/** One Linear of the model and what will become of it. */
export interface PlannedLinear {
  readonly layer: string;
  readonly section: string;
  readonly site: string;
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** Names of the algorithms that will treat it, in order; none if it is left alone. */
  readonly algorithms: readonly string[];
  /** Why it is left alone. */
  readonly untouched?: string;
  /** Where that is decided once the model was surveyed: the grids of which it will get one. */
  readonly grids?: readonly string[];
  /** Bytes on disk, of the weight alone. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Afterwards, scales and zeros included, as the last algorithm counts them: a `dense` output is larger on disk. */
  readonly bitsPerWeight: number;
}

/** What will happen, from headers only. All sizes are bytes. */
export interface Plan {
  readonly linears: readonly PlannedLinear[];
  readonly totals: {
    /** Payload of all tensors. */
    readonly bytesBefore: number;
    readonly bytesAfter: number;
    /** Linears that algorithms will touch. */
    readonly touched: number;
    /** Over the weights of touched Linears, as the last algorithm counts them; 0 if there are none. */
    readonly bitsPerWeight: number;
    /** Over the same weights: what their tensors take on disk in this format, zero points and indices that a reader asks for included. */
    readonly storedBitsPerWeight: number;
  };
  /** A cautious estimate of the peak of resident memory, and what it is made of. */
  readonly memory: {
    readonly peak: number;
    readonly section: number;
    /** Grams of a site, and what measuring sensitivities holds. */
    readonly statistics: number;
    readonly activations: number;
    readonly batch: number;
  };
  readonly work: { readonly flops: number; readonly seconds: number };
  readonly disk: {
    /** Output, journal and spilled activations together. */
    readonly needed: number;
    readonly spill: number;
    readonly free: number;
  };
  /** Estimated floating-point operations of each section, in order: shares of the time. */
  readonly sections: readonly { readonly section: string; readonly flops: number }[];
  /** Index of the last section that observes anything, or -1: after it no data is run. */
  readonly lastObserved: number;
  /** What the user must know beforehand; the run reports it too, and stops at it under `strict`. */
  readonly warnings: readonly WarningRecord[];
  /** What goes under `quantization_config` in config.json, if anything; what calibration will find stands as 1. */
  readonly configuration?: Readonly<Record<string, unknown>>;
}
