import type { Kernels } from '@compress/kernels';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { FloatDtype } from '../checkpoint/dtype.ts';
import type { Format } from '../format/format.ts';
import type { Model } from '../model/model.ts';
import type { PipelineStep } from '../pipeline/pipeline-step.ts';
import type { RunEvent } from './run-event.ts';

/** Calibration windows, all of one length. */
export interface Calibration {
  readonly sequences: readonly Uint32Array[];
  /** sha256 over the token ids: part of the journal's and the manifest's identity. */
  readonly digest: string;
}

/** Everything that `compress` needs. */
export interface CompressRequest {
  readonly model: Model;
  /** The input: floats under the names that the model's table gives. */
  readonly checkpoint: Checkpoint;
  /** Folder of the input, whose config.json and other files (tokenizer, generation config, chat template) are carried over. */
  readonly source: string;
  /** Folder of the output. It appears at the end, whole; an earlier output of this program is replaced, anything else is refused. */
  readonly output: string;
  readonly pipeline: readonly PipelineStep[];
  /** The pipeline may be in another order than transform, prune, quantize, cache. */
  readonly allowReorder?: boolean;
  readonly format: Format;
  /** Absent when no step observes anything. */
  readonly calibration?: Calibration;
  readonly kernels: Kernels;
  readonly seed: number;
  /** Warnings stop the run. */
  readonly strict: boolean;
  /** Bytes of activations kept in memory; beyond it they are spilled to disk beside the journal. The results are the same bits. */
  readonly activationMemory: number;
  /** The dtype of all floats of the checkpoint, where config.json is to say so. Absent: it says what it said. */
  readonly floatDtype?: FloatDtype;
  /**
   * The recipe with its defaults filled in, for the manifest and for the journal's identity. Leave out what changes no byte of the
   * result (output folder, threads, memory limits), so that the same work gives the same manifest.
   */
  readonly recipe: Readonly<Record<string, unknown>>;
  /** Packages and their versions, for the manifest and the journal's identity. */
  readonly versions: Readonly<Record<string, string>>;
  /** Told of every step of the run, as it happens. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Ends the run cleanly between two pieces of work by throwing the signal's reason; the journal stays, so the same request goes on from there. */
  readonly signal?: AbortSignal;
}
