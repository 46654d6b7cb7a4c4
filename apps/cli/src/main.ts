#!/usr/bin/env node
import { Console } from 'node:console';
import { readFileSync } from 'node:fs';
import { plainProgress, terminalProgress } from './progress/progress.ts';
import { registry } from './registry.ts';
import { runCli } from './run-cli.ts';

// stdout is for results alone; some libraries chat on it.
globalThis.console = new Console(process.stderr, process.stderr);

const interruption = new AbortController();
const progress = process.stderr.isTTY ? terminalProgress(process.stderr) : plainProgress(process.stderr);

// The first Ctrl-C ends cleanly between two pieces of work; the second one is the system's.
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    progress.log('Interrupted: ending after the piece of work under way. Once more ends at once.');
    interruption.abort(new Error('The run was interrupted.'));
  });
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  progress,
  signal: interruption.signal,
  directory: process.cwd(),
  registry,
  version,
});
