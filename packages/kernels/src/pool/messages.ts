import type { WasmModule } from '../wasm/web-assembly.ts';

/** What a worker needs before it can work; it answers with `{ ready: true }`. */
export interface Start {
  readonly module: WasmModule;
}

/** One operation, sent to every worker; each claims parts from the shared counter until none is left. */
export interface Job {
  readonly id: number;
  /** The operation's name in the registry. */
  readonly operation: string;
  readonly params: unknown;
  readonly division: Division;
}

/** Part i covers units [i * part, min(units, (i + 1) * part)); `claimed[0]` is the next part that nobody has taken. */
export interface Division {
  readonly units: number;
  readonly part: number;
  readonly claimed: Int32Array;
}

/** A worker's answer to a job: it found no more parts, or failed. */
export interface Done {
  readonly id: number;
  readonly error?: unknown;
}
