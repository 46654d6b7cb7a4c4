import type { Step } from '../progress/progress.ts';
import type { CellResult, Job } from './cell.ts';

/** What a process that does one job is told. */
export interface JobTask {
  /** The matrix's file. */
  readonly matrix: string;
  readonly job: Job;
  /** Folder for what is compressed and not yet measured. */
  readonly work: string;
  /** Folder for what is known of inputs and is the same for all their outputs; it is there until the last job is done. */
  readonly inputs: string;
  readonly threads: number;
}

/** What it tells: how far it is, and at last what came out or why nothing did. */
export type JobMessage =
  | { readonly type: 'step'; readonly step: Step }
  | { readonly type: 'log'; readonly text: string }
  | { readonly type: 'done'; readonly results: readonly CellResult[] }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };
