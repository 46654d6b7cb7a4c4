/**
 * Runs the built app with the arguments given, building first where a source is newer than the last build. Silent but for the app itself.
 *
 *     node workspace/compress.ts run recipe.yaml --json
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { BUILD_SCRIPTS } from './build.ts';
import { ROOT, run } from './run.ts';

const APP = join(ROOT, 'apps/cli/dist/main.js');
/** Its time is the moment at which the last build that succeeded began. */
const STAMP = join(ROOT, 'node_modules/.cache/compress/built');

const time = (path: string) => statSync(join(ROOT, path)).mtimeMs;

function stale(): boolean {
  if (!existsSync(APP) || !existsSync(STAMP)) return true;
  const built = statSync(STAMP).mtimeMs;
  const sources = globSync(
    ['{packages,apps}/*/{package.json,tsup.config.ts}', '{packages,apps}/*/src/**', 'pnpm-lock.yaml'],
    {
      cwd: ROOT,
    },
  );
  return sources.some((path) => time(path) >= built);
}

async function build(): Promise<void> {
  const began = new Date();
  const { ok, output } = await run(BUILD_SCRIPTS);
  if (!ok) {
    process.stderr.write(output);
    process.exit(1);
  }
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, '');
  utimesSync(STAMP, began, began);
}

if (stale()) await build();

// Paths on the command line start where the user stands, which `pnpm -w compress` leaves.
const app = spawn(process.execPath, [APP, ...process.argv.slice(2)], { cwd: process.env.INIT_CWD, stdio: 'inherit' });
// Ctrl-C reaches the whole group of processes: the app ends in its own way, and this one waits for it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => signal === 'SIGTERM' && app.kill(signal));
app.on('close', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
});
