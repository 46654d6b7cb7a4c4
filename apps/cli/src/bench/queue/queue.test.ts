import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEMO_MODEL, demoTexts } from '../../demo-model.ts';
import { EXIT } from '../../exit-codes.ts';
import { runInFolder } from '../../run-cli.test.fixture.ts';
import type { CellResult } from '../cell.ts';
import { REDIS, startRedis, type TestServer } from './redis-server.test.fixture.ts';

if (REDIS === undefined)
  console.warn('skipped: the queue of `compress bench`, since neither redis-server nor valkey-server is installed');

const app = fileURLToPath(new URL('../../main.ts', import.meta.url));
/** Seconds after which a dead worker's job goes to another. */
const LEASE = '3';
/** Long enough for everyone to notice. */
const OUTAGE_MS = 1000;

let directory: string;
let server: TestServer;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  if (REDIS === undefined) return;
  directory = await mkdtemp(join(tmpdir(), 'compress-queue-'));
  await mkdir(join(directory, 'redis'));
  const { evaluation } = await demoTexts();
  await writeFile(join(directory, 'text.txt'), evaluation.slice(0, 40_000));
  server = await startRedis(join(directory, 'redis'));
});
afterAll(async () => {
  if (REDIS === undefined) return;
  for (const worker of workers) worker.kill('SIGKILL');
  await server.kill();
  await rm(directory, { recursive: true });
});

async function write(name: string): Promise<string> {
  await writeFile(
    join(directory, `${name}.yaml`),
    `results: ./${name}.jsonl
models: { demo: ${DEMO_MODEL} }
calibration: { text: ./text.txt, samples: 4, length: 256 }
pipelines:
  first: { pipeline: [gptq: { grid: int4 }] }
  second: { pipeline: [gptq: { grid: int3 }] }
evaluations:
  short: { perplexity: { text: ./text.txt, context: 64, windows: 2 } }
`,
  );
  return `${name}.yaml`;
}

const bench = (args: string[], onLine = (_line: string) => {}) =>
  runInFolder(directory, ['bench', ...args], {
    progress: { update: ({ detail }) => onLine(detail ?? ''), log: onLine },
  });

/** A worker in a process of its own, and what it said. */
function startWorker(): { readonly process: ChildProcess; readonly said: () => string } {
  const worker = spawn(process.execPath, [app, 'bench', 'worker', server.url, '--lease', LEASE, '--threads', '1'], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  workers.push(worker);
  let said = '';
  worker.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return { process: worker, said: () => said };
}

async function outcomes(name: string): Promise<string[]> {
  const lines = (await readFile(join(directory, `${name}.jsonl`), 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as CellResult).map(({ pipeline, digest }) => `${pipeline} ${digest}`);
}

it.skipIf(REDIS === undefined)(
  'loses and doubles nothing when a worker is killed and when the server is',
  async () => {
    const first = startWorker();
    let second: ReturnType<typeof startWorker> | undefined;
    let outage: Promise<void> | undefined;
    const watching = bench([await write('queued'), '--queue', server.url], (line) => {
      if (second === undefined && /first: Compressing/.test(line)) {
        first.process.kill('SIGKILL');
        second = startWorker();
      }
      if (outage === undefined && /second: Compressing/.test(line)) {
        outage = server
          .kill()
          .then(() => sleep(OUTAGE_MS))
          .then(() => server.restart());
      }
    });
    const watched = await watching;
    await outage;
    expect(watched.code).toBe(EXIT.ok);
    expect(outage, 'the server was killed while a job was under way').toBeDefined();
    expect(watched.log).toMatch(/is away[\s\S]*is back/);
    expect(first.said()).toMatch(/first: begun/);
    for (const name of ['first', 'second']) {
      expect(second!.said().split(`${name}: begun`)).toHaveLength(2);
      expect(second!.said()).toMatch(new RegExp(`${name} · short: perplexity`));
    }
    // A second watcher finds everything known; a run without the queue ends with the same digests.
    expect((await bench(['queued.yaml', '--queue', server.url])).lines[0]).toBe('3 cells, 3 known, 0 to do.');
    await bench([await write('alone')]);
    expect(await outcomes('queued')).toEqual(await outcomes('alone'));

    // Ctrl-C ends a worker at once.
    const ended = once(second!.process, 'exit');
    second!.process.kill('SIGINT');
    expect(await ended).toEqual([EXIT.ok, null]);
  },
  240_000,
);

it('says what is wrong with a queue', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'compress-no-queue-'));
  directory ??= folder;
  expect(await bench(['worker', 'http://127.0.0.1'])).toMatchObject({
    code: EXIT.usage,
    lines: [expect.stringMatching(/must begin with redis/)],
  });
  expect(await bench(['worker', 'redis://127.0.0.1:9'])).toMatchObject({
    code: EXIT.failure,
    lines: [expect.stringMatching(/No queue answers at redis:\/\/127\.0\.0\.1:9: /)],
  });
  await rm(folder, { recursive: true });
});
