/**
 * Writes the reference of every package's exports, one page a package, to `docs/api`. An export without a docstring is an error.
 *
 *     node workspace/generate/api.ts            write the pages
 *     node workspace/generate/api.ts --check    fail if a committed page is stale
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD_TYPES } from '../build.ts';
import { ROOT, run } from '../run.ts';

const PAGES = join(ROOT, 'docs/api');

/** typedoc reads a package's neighbours from their built types, so these come first. */
async function generate(folder: string): Promise<boolean> {
  for (const command of [BUILD_TYPES, ['typedoc', '--options', 'workspace/generate/typedoc.json', '--out', folder]]) {
    const { ok, output } = await run(command);
    if (ok) continue;
    console.error(output);
    return false;
  }
  return true;
}

async function read(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const pages = names.filter((name) => name.endsWith('.md')).sort();
  return new Map(
    await Promise.all(pages.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  );
}

async function check(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'compress-api-'));
  try {
    if (!(await generate(folder))) return false;
    const [fresh, committed] = await Promise.all([read(folder), read(PAGES)]);
    const names = [...new Set([...fresh.keys(), ...committed.keys()])];
    const stale = names.filter((name) => fresh.get(name) !== committed.get(name));
    for (const name of stale) console.error(`docs/api/${name} is stale: run \`pnpm generate\``);
    return stale.length === 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const ok = process.argv.includes('--check') ? await check() : await generate(PAGES);
process.exitCode = ok ? 0 : 1;
