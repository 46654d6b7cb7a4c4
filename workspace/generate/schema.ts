/**
 * Writes the JSON schema of a recipe, by which editors complete and check recipes, to `docs/recipe.schema.json`.
 *
 *     node workspace/generate/schema.ts            write it
 *     node workspace/generate/schema.ts --check    fail if the committed file is stale
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from '../run.ts';

const file = join(ROOT, 'docs/recipe.schema.json');
const { ok, output } = await run(['node', '--conditions=@compress/source', 'apps/cli/src/main.ts', 'schema']);
if (!ok) {
  console.error(output);
  process.exitCode = 1;
} else if (!process.argv.includes('--check')) {
  await writeFile(file, output);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== output) {
  console.error(`${file} is stale: run \`pnpm generate\``);
  process.exitCode = 1;
}
