import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

/** The repository's root. */
export const ROOT = join(import.meta.dirname, '..');

/** What a program left behind. */
export interface Outcome {
  readonly ok: boolean;
  /** stdout and stderr as they came; empty where they went straight to the terminal. */
  readonly output: string;
}

const ENVIRONMENT = {
  ...process.env,
  PATH: `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`,
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
};

/** Runs a program in `folder` (the root unless given); with `show`, its output goes to the terminal as it comes. Never throws. */
export function run(
  command: readonly string[],
  options: { readonly folder?: string; readonly show?: boolean } = {},
): Promise<Outcome> {
  const [program, ...parameters] = command;
  return new Promise((resolve) => {
    const child = spawn(program, parameters, {
      cwd: options.folder ?? ROOT,
      env: ENVIRONMENT,
      stdio: options.show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout?.on('data', (bytes) => {
      output += bytes;
    });
    child.stderr?.on('data', (bytes) => {
      output += bytes;
    });
    child.on('error', (error) => resolve({ ok: false, output: `${output}${error.message}\n` }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}
