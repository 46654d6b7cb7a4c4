import type { Kernels } from '@compress/kernels';
import type { Algorithm, Warning } from '../algorithm/algorithm.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Format } from '../format/format.ts';
import type { Model } from '../model/model.ts';

/** One step of a pipeline with its options, parsed by the algorithm's own schema. */
export interface PipelineStep {
  readonly algorithm: Algorithm;
  readonly options: unknown;
}

/** Calibration windows, all of one length. */
export interface Calibration {
  readonly sequences: readonly Uint32Array[];
  /** sha256 over the token ids: part of the journal's and the manifest's identity. */
  readonly digest: string;
}

export interface CompressRequest {
  readonly model: Model;
  /** The input: floats under the names that the model's table gives. */
  readonly checkpoint: Checkpoint;
  /** Folder of the input, whose other files (tokenizer, generation config, chat template) are carried over. */
  readonly source: string;
  readonly output: string;
  readonly pipeline: readonly PipelineStep[];
  readonly format: Format;
  /** Absent when no step observes anything. */
  readonly calibration?: Calibration;
  readonly kernels: Kernels;
  readonly seed: number;
  /** Warnings stop the run. */
  readonly strict: boolean;
  /** Bytes of activations kept in memory; beyond it they are spilled to disk beside the journal. */
  readonly activationMemory: number;
  /** The recipe as the user wrote it (defaults filled in), for the manifest and for the journal's identity. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly onEvent?: (event: RunEvent) => void;
  /** Ends the run cleanly between two pieces of work; the journal stays, so the same request goes on from there. */
  readonly signal?: AbortSignal;
}

/** The event stream is the truth; progress bars and JSONL files are views of it. `done` and `total` are sections. */
export type RunEvent =
  | { readonly type: 'start'; readonly sections: number; readonly linears: number; readonly resumedSections: number }
  | {
      readonly type: 'section';
      readonly section: string;
      readonly done: number;
      readonly total: number;
      readonly secondsLeft?: number;
    }
  | { readonly type: 'site'; readonly section: string; readonly site: string; readonly tokens: number }
  | {
      readonly type: 'layer';
      readonly layer: string;
      readonly algorithm: string;
      readonly bitsPerWeight: number;
      readonly seconds: number;
      readonly figures: Readonly<Record<string, number>>;
    }
  | { readonly type: 'warning'; readonly algorithm: string; readonly warning: Warning }
  | { readonly type: 'write'; readonly file: string; readonly bytes: number }
  | { readonly type: 'end'; readonly seconds: number; readonly peakMemory: number };
