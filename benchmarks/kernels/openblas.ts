import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Peer } from './peer.ts';

/** Compiles and starts `native.c`; undefined, with the compiler's words printed, where cc or OpenBLAS is missing. */
export async function openblas(threads: number): Promise<Peer | undefined> {
  const program = join(mkdtempSync(join(tmpdir(), 'compress-bench-')), 'native');
  const source = join(import.meta.dirname, 'native.c');
  try {
    const flags = ['-O3', '-march=native', source, '-o', program, '-lopenblas', '-lpthread', '-lm'];
    execFileSync('cc', flags, { stdio: 'pipe' });
  } catch (error) {
    console.log(`no OpenBLAS peer: ${(error as Error).message.split('\n').slice(0, 3).join(' ')}`);
    return undefined;
  }
  // Idle threads of OpenBLAS would spin for a while, on the cores where the next sample runs.
  const child = spawn(program, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OPENBLAS_THREAD_TIMEOUT: '4' },
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const name = (await answers.next()).value as string;
  const seconds = async (command: string) => {
    child.stdin.write(`${command}\n`);
    return Number((await answers.next()).value);
  };
  await seconds(`threads ${threads}`);
  return {
    name,
    seconds,
    close: () => child.stdin.end(),
  };
}
