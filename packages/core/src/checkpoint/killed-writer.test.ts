import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { CompressError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { openCheckpoint } from './open-checkpoint.ts';
import { writeCheckpoint } from './write-checkpoint.ts';

const writer = fileURLToPath(new URL('./killed-writer.test.fixture.ts', import.meta.url));
const KILLS = 12;

/** Runs the writer and kills it `delay` ms after its first checkpoint. */
async function writeAndKill(folder: string, delay: number): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=@compress/source', writer, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.stdout.resume();
  await setTimeout(delay);
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

it('a writer killed at any moment leaves a checkpoint of one round, or one that is refused, and never a mixture', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'compress-killed-'));
  for (let i = 0; i < KILLS; i++) {
    // Spread over some rounds of the writer, which last a few milliseconds each.
    await writeAndKill(folder, 5 + ((i * 7919) % 61));
    let checkpoint: Checkpoint;
    try {
      checkpoint = await openCheckpoint(folder);
    } catch (error) {
      expect(error).toBeInstanceOf(CompressError);
      expect(['checkpoint-ambiguous', 'checkpoint-missing']).toContain((error as CompressError).code);
      continue;
    }
    const rounds = new Set<number>();
    for (const name of checkpoint.tensors.keys()) for (const value of await checkpoint.read(name)) rounds.add(value);
    await checkpoint.close();
    expect(rounds.size).toBe(1);
  }
  // Whatever was left, the next write cleans up.
  await writeCheckpoint(folder, []);
  expect(await readdir(folder)).toEqual(['model.safetensors']);
  await rm(folder, { recursive: true });
});
