import { mkdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CompressError } from '@compress/core';
import fc from 'fast-check';
import { type Meter, Misbehaviour } from './meter.ts';
import { type FileMutation, fileMutations, mutateFile } from './mutations/file.ts';
import type { Files, Target } from './target.ts';

/** What a reader may take beside twice the size of its files: buffers of a fixed size for pieces, and tables. */
const FIXED_BYTES = 4 << 20;
/** One case in so many has its file replaced by a link that leaves the folder. */
const LINKS = 40;

/** How often each outcome was met: the code of the error, or `read`. */
export type Outcomes = ReadonlyMap<string, number>;

/**
 * Changes the target's folders `runs` times and has them read. Every case must end with what was read or with a `CompressError` that says
 * something, without opening a file outside of the folder or allocating more than twice what the files hold. Throws what fast-check says of the
 * smallest case that does not, with the seed that makes it again. `work` is a folder of its own, in which the case under way lies.
 */
export async function attack(p: {
  target: Target;
  runs: number;
  seed: number;
  work: string;
  meter: Meter;
  /** Told before each case. */
  tick(): void;
}): Promise<Outcomes> {
  const { target, runs, seed, work, meter } = p;
  await rm(work, { recursive: true, force: true });
  const bases = await Promise.all(target.folders.map((files, i) => layOut(join(work, `folder-${i}`), files)));
  await layOut(join(work, 'outside'), Object.assign({}, ...target.folders));
  const outcomes = new Map<string, number>();
  // Without fast-check's love of small and large numbers: positions are taken modulo what there is.
  const cases = fc.noBias(fc.tuple(fc.nat(bases.length - 1), fileMutations, fc.nat(LINKS - 1)));
  const property = fc.asyncProperty(cases, async ([index, mutations, link]) => {
    p.tick();
    const files = target.folders[index];
    const changed = change(files, target.changed, mutations);
    await applyChanges(bases[index], files, changed, link === 0 && !target.named);
    const outcome = await readOnce(target, bases[index], { ...files, ...changed }, meter);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    await restore(bases[index], files, changed);
  });
  await fc.assert(property, { numRuns: runs, seed, includeErrorInReport: true });
  return outcomes;
}

function change(files: Files, names: readonly string[], mutations: readonly FileMutation[]): Files {
  const here = names.filter((name) => name in files);
  const changed: Record<string, Uint8Array> = {};
  for (const mutation of mutations) {
    const name = here[mutation.file % here.length];
    changed[name] = mutateFile(name, changed[name] ?? files[name], mutation);
  }
  return changed;
}

async function readOnce(target: Target, folder: string, files: Files, meter: Meter): Promise<string> {
  const size = Object.values(files).reduce((sum, { byteLength }) => sum + byteLength, 0);
  meter.allow(2 * size + FIXED_BYTES);
  let outcome = 'read';
  try {
    await target.read(folder);
  } catch (error) {
    if (!(error instanceof CompressError)) throw error;
    if (error.message === '' || error.code === '') throw new Misbehaviour('An error that says nothing.');
    outcome = error.code;
  }
  const opened = meter.opened();
  meter.allow(Number.POSITIVE_INFINITY);
  for (const path of opened) await requireInside(path, folder);
  return outcome;
}

async function requireInside(path: string, folder: string): Promise<void> {
  const real = await realpath(path).catch(() => path);
  if (!real.startsWith(`${await realpath(folder)}/`)) throw new Misbehaviour(`It opened ${path}, which is ${real}.`);
}

async function layOut(folder: string, files: Files): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

async function applyChanges(folder: string, files: Files, changed: Files, asLink: boolean): Promise<void> {
  for (const [name, content] of Object.entries(changed)) {
    if (asLink && name in files) {
      await rm(join(folder, name));
      await symlink(join(dirname(folder), 'outside', name), join(folder, name));
    } else await writeFile(join(folder, name), content);
  }
}

async function restore(folder: string, files: Files, changed: Files): Promise<void> {
  for (const name of Object.keys(changed)) {
    await rm(join(folder, name), { force: true });
    if (name in files) await writeFile(join(folder, name), files[name]);
  }
}
