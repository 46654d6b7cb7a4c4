import type { Progress } from './progress/progress.ts';
import { registry } from './registry.ts';
import { runCli } from './run-cli.ts';

/** What the app did with a command line. */
export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  /** `stdout` as it was written. */
  readonly pieces: readonly string[];
  /** What is no result, a line each. */
  readonly lines: readonly string[];
  /** `lines`, joined. */
  readonly log: string;
  /** `stdout` read as JSON. */
  json(): ReturnType<typeof JSON.parse>;
}

/** Runs the app as a shell would, in a folder. `progress` sees what a terminal would show, and may stop the run by `signal`. */
export async function runInFolder(
  directory: string,
  args: readonly string[],
  { signal = new AbortController().signal, progress = {} }: { signal?: AbortSignal; progress?: Partial<Progress> } = {},
): Promise<CliRun> {
  const pieces: string[] = [];
  const lines: string[] = [];
  const code = await runCli([...args], {
    stdout: (text) => void pieces.push(text),
    progress: {
      update: (shown) => progress.update?.(shown),
      log: (text) => {
        lines.push(text);
        progress.log?.(text);
      },
      clear: () => {},
    },
    signal,
    directory,
    registry,
    version: '1.2.3',
  });
  const stdout = pieces.join('');
  return { code, stdout, pieces, lines, log: lines.join('\n'), json: () => JSON.parse(stdout) };
}
