import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { verifyFolder } from '../manifest/verify-folder.ts';
import { randomStream } from '../random-stream.ts';
import { compress } from './compress.ts';
import { workFolder } from './output-folder.ts';
import type { CompressRequest } from './request.ts';
import type { RunEvent } from './run-event.ts';
import { toyPrune, toyQuantize } from './toy/toy-algorithms.ts';
import { toyCalibration, writeToyFolder } from './toy/toy-folder.ts';
import { hashFolder, step, toyRequest } from './toy/toy-request.ts';

let folder: string;
let source: string;
let checkpoint: Checkpoint;
let whole: Record<string, string>;
let count = 0;
const place = () => join(folder, `output-${count++}`);
const request = (output: string, change: Partial<CompressRequest> = {}) =>
  toyRequest(source, output, { checkpoint, ...change });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-resume-'));
  source = join(folder, 'model');
  await writeToyFolder(source);
  checkpoint = await openCheckpoint(source);
  const output = place();
  await compress(await request(output));
  whole = await hashFolder(output);
});
afterAll(async () => {
  await checkpoint.close();
  await rm(folder, { recursive: true });
});

/** Runs until the event comes, and is ended by it. */
async function interrupted(output: string, at: (event: RunEvent) => boolean, change: Partial<CompressRequest> = {}) {
  const abort = new AbortController();
  const whole = await request(output, {
    signal: abort.signal,
    onEvent: (event) => at(event) && abort.abort(new Error('interrupted')),
    ...change,
  });
  await expect(compress(whole)).rejects.toThrow('interrupted');
}

describe('an interrupted run', () => {
  test.each(['start', 'blocks.0.input', 'blocks.0.expert', 'blocks.1.inner'])(
    'at %s goes on and ends with the same bytes',
    async (point) => {
      const output = place();
      await interrupted(output, (event) => event.type === point || (event.type === 'site' && event.site === point));
      expect(existsSync(output)).toBe(false);
      expect(existsSync(join(workFolder(output), 'lock'))).toBe(false);
      expect(existsSync(join(workFolder(output), 'activations'))).toBe(false);
      const sections: string[] = [];
      const onEvent = (event: RunEvent) => event.type === 'section' && event.resumed && sections.push(event.section);
      await compress(await request(output, { onEvent }));
      expect(sections).toEqual({ start: [], 'blocks.1.inner': ['embedding', 'blocks.0'] }[point] ?? ['embedding']);
      expect(await hashFolder(output)).toEqual(whole);
    },
  );

  test('reads no finished section again when nothing is left to observe', async () => {
    const output = place();
    await interrupted(output, (event) => event.type === 'section' && event.section === 'blocks.1');
    const base = await request(output);
    const open = () => {
      throw new Error('a forward pass was started');
    };
    await compress({ ...base, model: { ...base.model, open } });
    expect(await hashFolder(output)).toEqual(whole);
  });

  test('is not continued by another recipe, model, calibration or version, and says what differs', async () => {
    const output = place();
    await interrupted(output, (event) => event.type === 'section' && event.section === 'blocks.0');
    const other = join(folder, 'other');
    await writeToyFolder(other, (_name, values) => values.map((x) => x / 2));
    const otherCheckpoint = await openCheckpoint(other);
    const changes: [Partial<CompressRequest>, RegExp][] = [
      [{ pipeline: [step(toyQuantize, { move: 0.2 })] }, /pipeline\[0\]\.options\.move was 0\.1, is 0\.2/],
      [{ calibration: { ...toyCalibration(), digest: 'b'.repeat(64) } }, /calibration\.digest was "aaa.*is "bbb/],
      [{ seed: 2 }, /seed was 1, is 2/],
      [{ versions: { '@compress/core': 'newer' } }, /versions\.@compress\/core was "test", is "newer"/],
      [{ source: other, checkpoint: otherCheckpoint }, /inputs\.model\.safetensors\.sha256 was/],
    ];
    for (const [change, message] of changes)
      await expect(compress(await request(output, change))).rejects.toMatchObject({
        code: 'journal-mismatch',
        message: expect.stringMatching(message),
      });
    await otherCheckpoint.close();
    await compress(await request(output));
    expect(await hashFolder(output)).toEqual(whole);
  });

  test('drops a journal line that was cut off, and refuses one that was damaged', async () => {
    const output = place();
    const stop = (event: RunEvent) => event.type === 'section' && event.section === 'blocks.0';
    await interrupted(output, stop);
    const journal = join(workFolder(output), 'journal.jsonl');
    await appendFile(journal, '{"section":"blocks.1","repl');
    await interrupted(output, stop);
    const text = await readFile(journal, 'utf8');
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).section),
    ).toEqual([undefined, 'embedding', 'blocks.0']);
    await writeFile(journal, text.replace('"section"', 'section'));
    await expect(compress(await request(output))).rejects.toMatchObject({ code: 'journal-damaged' });
    await writeFile(journal, text);
    await compress(await request(output));
    expect(await hashFolder(output)).toEqual(whole);
  });

  test('is stopped by strict if it warned before', async () => {
    const output = place();
    const pipeline = [step(toyQuantize, { warn: true })];
    await interrupted(output, (event) => event.type === 'section' && event.section === 'blocks.0', { pipeline });
    await expect(compress(await request(output, { pipeline, strict: true }))).rejects.toMatchObject({
      code: 'strict-warning',
    });
  });

  test('never costs an earlier output', async () => {
    const output = place();
    await compress(await request(output));
    const pipeline = [step(toyPrune), step(toyQuantize)];
    await interrupted(output, (event) => event.type === 'site', { pipeline });
    await interrupted(output, (event) => event.type === 'write', { pipeline });
    expect((await verifyFolder(output)).mismatches).toEqual([]);
    expect(await hashFolder(output)).toEqual(whole);
    // As if killed between the two renames that put the new output in its place.
    await rename(output, join(workFolder(output), 'previous'));
    await interrupted(output, (event) => event.type === 'start', { pipeline });
    expect(await hashFolder(output)).toEqual(whole);
  });
});

describe('the lock', () => {
  test('refuses a second process while the first one lives', async () => {
    const output = place();
    const second = await request(output);
    let refused: Promise<unknown> = Promise.resolve();
    const onEvent = (event: RunEvent) => {
      if (event.type === 'start') refused = expect(compress(second)).rejects.toMatchObject({ code: 'output-locked' });
    };
    await compress(await request(output, { onEvent }));
    await refused;
  });

  test('is taken over from a process that is gone, also if its number lives on', async () => {
    const holders = [
      { pid: 2 ** 22 + 1, host: hostname(), began: '1' },
      { pid: process.pid, host: hostname(), began: 'another time' },
    ];
    for (const holder of holders) {
      const output = place();
      await interrupted(output, (event) => event.type === 'start');
      await writeFile(join(workFolder(output), 'lock'), JSON.stringify(holder));
      await compress(await request(output));
      expect(await hashFolder(output)).toEqual(whole);
    }
    const output = place();
    await interrupted(output, (event) => event.type === 'start');
    await writeFile(join(workFolder(output), 'lock'), JSON.stringify({ ...holders[0], host: 'elsewhere' }));
    await expect(compress(await request(output))).rejects.toMatchObject({ code: 'output-locked' });
  });
});

describe('kill -9', () => {
  const start = (output: string, memory: number): ChildProcess =>
    spawn(
      process.execPath,
      [
        '--conditions=@compress/source',
        fileURLToPath(new URL('toy/killed-process.ts', import.meta.url)),
        ...[source, output, String(memory)],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );

  test.each([0, 1, 2])('at random moments changes no byte (run %i)', async (run) => {
    const output = place();
    const random = randomStream('kill', run);
    let kills = 0;
    for (;;) {
      const child = start(output, run % 2 === 0 ? Number.MAX_SAFE_INTEGER : 0);
      const ended = once(child, 'exit');
      let seen = 0;
      // The first line comes when the walk starts; from there on the moment is random, and later from life to life.
      child.stdout!.on('data', () => {
        if (seen++ > 0) return;
        setTimeout(() => child.kill('SIGKILL'), random.integer(40 * (kills + 1)));
      });
      const [code, signal] = await ended;
      if (signal === 'SIGKILL') kills++;
      else {
        expect(code).toBe(0);
        break;
      }
    }
    expect(kills).toBeGreaterThan(0);
    expect(await hashFolder(output)).toEqual(whole);
    expect((await verifyFolder(output)).mismatches).toEqual([]);
    expect(existsSync(workFolder(output))).toBe(false);
  });
});
