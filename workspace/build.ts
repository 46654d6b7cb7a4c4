/**
 * Builds what is published: each package's JavaScript (turbo and tsup, only what changed), then all types (tsc -b). Silent unless it fails.
 *
 *     node workspace/build.ts
 */
import { run } from './run.ts';

/** `build`: JavaScript alone, which is all that running the app needs. */
export const BUILD_SCRIPTS = ['turbo', 'run', 'build', '--output-logs=errors-only'];
export const BUILD_TYPES = ['tsc', '-b'];

if (import.meta.main) {
  for (const command of [BUILD_SCRIPTS, BUILD_TYPES]) {
    const { ok, output } = await run(command);
    if (ok) continue;
    process.stderr.write(output);
    process.exit(1);
  }
}
