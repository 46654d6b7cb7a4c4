import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { CompressError } from '../errors.ts';

const LOCK_FILE = 'lock';

/** Who holds a folder. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, as the system counts it: a pid may be used again. Empty where the system does not tell. */
  readonly began: string;
}

/**
 * Takes a folder for this process; the result gives it back. A lock that a killed process left is taken over. Throws `CompressError`
 * `output-locked` while another process holds it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, LOCK_FILE);
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), began: beginning(process.pid) } satisfies Holder);
  const draft = join(folder, `${LOCK_FILE}.${process.pid}`);
  await writeFile(draft, mine);
  try {
    // A link appears with its content or not at all, and never over another.
    while (!(await linked(draft, path))) {
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const holder = JSON.parse(text) as Holder;
      if (holds(holder)) throw lockedError(folder, holder);
      await removeStale(path, `${draft}.stale`, text);
    }
  } finally {
    await rm(draft, { force: true });
  }
  return () => rm(path, { force: true });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves the lock aside and looks at it again: between reading and moving, another process may have taken the folder. */
async function removeStale(path: string, aside: string, stale: string): Promise<void> {
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== stale) await linked(aside, path);
  await rm(aside, { force: true });
}

/** Of another machine (a shared disk) nothing is known, so its lock stands. */
function holds({ pid, host, began }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return began === beginning(pid);
}

/** Field 22 of /proc/<pid>/stat, after the name in parentheses, which may hold anything. */
function beginning(pid: number): string {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[19];
  } catch {
    return '';
  }
}

function lockedError(folder: string, { pid, host }: Holder): CompressError {
  return new CompressError(
    'output-locked',
    `Process ${pid} on ${host} is writing here; wait until it ends, or delete ${folder} if you know that it is gone.`,
    { file: join(folder, LOCK_FILE) },
  );
}
