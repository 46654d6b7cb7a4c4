import { createWriteStream } from 'node:fs';
import { createKernels, type Kernels } from '@compress/kernels';
import type { Progress } from './progress/progress.ts';
import type { Registry } from './registry.ts';

/** What a command meets of the world outside: handed in, so that tests can watch. */
export interface CliContext {
  /** Results, and nothing else. */
  readonly stdout: (text: string) => void;
  /** Everything that is not a result. */
  readonly progress: Progress;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly directory: string;
  readonly registry: Registry;
}

/** Options that several commands share. */
export interface CommonOptions {
  readonly json?: true;
  readonly threads?: number;
  readonly events?: string;
}

/** A result: as exactly one JSON object with `--json`, else as text for people. */
export function printResult(
  { stdout, progress }: CliContext,
  { json }: CommonOptions,
  result: object,
  text: string,
): void {
  progress.clear();
  stdout(`${json ? JSON.stringify(result, undefined, 2) : text}\n`);
}

/** Runs `work` with kernels on as many threads as the user wants, and ends their workers whatever happens. */
export async function withKernels<T>({ threads }: CommonOptions, work: (kernels: Kernels) => Promise<T>): Promise<T> {
  const kernels = await createKernels(threads === undefined ? {} : { threads });
  try {
    return await work(kernels);
  } finally {
    await kernels.close();
  }
}

/** Writes events to a file, one JSON object a line, as they come. Without a file, nowhere. */
export function openEventLog(file: string | undefined): { write(event: object): void; close(): Promise<void> } {
  if (file === undefined) return { write: () => {}, close: async () => {} };
  const stream = createWriteStream(file);
  let failure: Error | undefined;
  stream.on('error', (error) => {
    failure = error;
  });
  return {
    write: (event) => void stream.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`),
    close: async () => {
      await new Promise<void>((closed) => stream.close(() => closed()));
      if (failure !== undefined) throw failure;
    },
  };
}
