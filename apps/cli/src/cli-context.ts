import { closeSync, openSync, writeSync } from 'node:fs';
import { CompressError } from '@compress/core';
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

/** What is told while a command works. */
export interface EventLog {
  write(event: object): void;
  close(): void;
}

/**
 * Writes events to a file, one JSON object a line, as they come: whatever ends the process, they are there. Without a file, nowhere.
 * Throws `CompressError` `usage` if the file cannot be written.
 */
export function openEventLog(file: string | undefined): EventLog {
  if (file === undefined) return { write: () => {}, close: () => {} };
  const descriptor = openForWriting(file);
  return {
    write: (event) => void writeSync(descriptor, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`),
    close: () => closeSync(descriptor),
  };
}

function openForWriting(file: string): number {
  try {
    return openSync(file, 'w');
  } catch (cause) {
    const message = `The events cannot be written: ${(cause as Error).message}.`;
    throw new CompressError('usage', message, { file }, { cause });
  }
}
