import { digestOf } from '../canonical-json.ts';
import type { Job } from '../cell.ts';

/** What lies in the queue for one job. */
export interface QueueJob {
  /** The matrix's file, relative to the folder in which `bench` and its workers are started. */
  readonly matrix: string;
  readonly job: Job;
}

/** How far a job in the queue is. */
export interface QueueProgress {
  readonly label: string;
  /** 0 .. 1 */
  readonly share: number;
}

/** The same cells have the same place in the queue, whoever asks for them. */
export function queueId({ id, cells }: Job): string {
  return digestOf({ id, cells: cells.map(({ key }) => key) });
}
