/**
 * Everything that must hold before a change lands. Every step runs, whatever became of the one before; the last line is
 * `N passed, N failed`, steps and tests counted alike, and the exit status is 0 only if nothing failed.
 *
 *     node workspace/check.ts
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD_SCRIPTS, BUILD_TYPES } from './build.ts';
import { run } from './run.ts';
import { type Tally, tally } from './tally.ts';

const STEPS: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['build', BUILD_SCRIPTS],
  ['types', BUILD_TYPES],
  ['types of scripts and benchmarks', ['tsc', '-p', 'workspace']],
  ['lint and format', ['biome', 'ci', '.']],
  ['WASM modules are current', ['node', 'packages/kernels/scripts/build-wasm.ts', '--check']],
  ['recipe schema is current', ['node', 'workspace/generate/schema.ts', '--check']],
  ['options on pages are current', ['node', 'workspace/generate/options.ts', '--check']],
  ['API pages are current and complete', ['node', 'workspace/generate/api.ts', '--check']],
];

async function test(): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), 'compress-check-'));
  try {
    const report = join(folder, 'report.json');
    await run(['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`], {
      show: true,
    });
    const text = await readFile(report, 'utf8').catch(() => undefined);
    return tally(text === undefined ? undefined : JSON.parse(text));
  } finally {
    await rm(folder, { recursive: true });
  }
}

let passed = 0;
let failed = 0;
for (const [name, command] of STEPS) {
  const began = performance.now();
  const { ok, output } = await run(command);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (!ok) console.log(output);
  if (ok) passed++;
  else failed++;
}
const tests = await test();
passed += tests.passed;
failed += tests.failed;
if (tests.skipped > 0) console.log(`${tests.skipped} tests were skipped: what they need is not here, as said above.`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
