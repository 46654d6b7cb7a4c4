import type { Schedule } from '../operations/operation.ts';
import type { WasmModule } from '../wasm/web-assembly.ts';
import type { Encoded } from './buffer-handles.ts';

/** What a worker needs before it can work; it answers with `{ ready: true }`. */
export interface Start {
  readonly module: WasmModule;
}

/** One operation, sent to every worker; each claims parts from the shared counter until none is left. */
export interface Job extends Encoded {
  readonly id: number;
  /** The operation's name in the registry. */
  readonly operation: string;
  readonly division: Division;
}

/** How an operation's units are shared among threads: see {@link Operation}. */
export interface Division {
  readonly units: number;
  readonly granule: number;
  readonly schedule: Schedule;
  readonly threads: number;
  /** `claimed[0]` is the first granule that nobody has taken. */
  readonly claimed: Int32Array;
}

/** The handle of a shared buffer that no later job will name. */
export interface Release {
  readonly release: number;
}

/** A worker's answer to a job: it found no more parts, or failed. */
export interface Done {
  readonly id: number;
  readonly error?: unknown;
}
