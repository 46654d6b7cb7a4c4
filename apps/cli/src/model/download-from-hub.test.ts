import { lstat, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { downloadFromHub } from './download-from-hub.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const FILES: Readonly<Record<string, string>> = {
  'config.json': '{"model_type":"llama"}',
  'model.safetensors': 'weights',
  'tokenizer.json': '{}',
  'pytorch_model.bin': 'the same weights again',
  'README.md': 'card',
};

const entry = (path: string) => ({
  type: 'file',
  path,
  size: FILES[path].length,
  oid: `oid-${path}`,
  lastCommit: { id: COMMIT, date: '2026-01-01', title: '' },
});

/** The part of the hub's API that a download needs, as https://huggingface.co answers it. */
const api: Readonly<Record<string, unknown>> = {
  '/api/models/owner/bins/revision/main': { _id: '1', id: 'owner/bins', sha: COMMIT },
  [`/api/models/owner/bins/tree/${COMMIT}`]: [entry('pytorch_model.bin')],
  '/api/models/owner/tiny/revision/main': { _id: '2', id: 'owner/tiny', sha: COMMIT },
  [`/api/models/owner/tiny/tree/${COMMIT}`]: [
    ...Object.keys(FILES).map(entry),
    { type: 'directory', path: 'onnx', size: 0, oid: 'd' },
  ],
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url!, 'http://localhost');
  requests.push(`${request.method} ${pathname} ${request.headers.authorization ?? ''}`.trim());
  const json = (value: unknown, status = 200) => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
  };
  const content = FILES[pathname.replace(`/owner/tiny/resolve/${COMMIT}/`, '')];
  if (pathname in api) {
    json(api[pathname]);
  } else if (pathname === `/api/models/owner/tiny/paths-info/${COMMIT}`) {
    const { paths } = JSON.parse((await request.toArray()).join('')) as { paths: string[] };
    json(paths.map(entry));
  } else if (content === undefined) {
    json({ error: 'no' }, pathname.includes('secret') ? 401 : 404);
  } else if (request.headers.range === 'bytes=0-0') {
    response.writeHead(206, { ETag: 'e', 'Content-Range': `bytes 0-0/${content.length}` }).end(content[0]);
  } else {
    response.writeHead(200, { ETag: 'e', 'Content-Length': content.length }).end(content);
  }
}

let server: Server;
let home: string;
const requests: string[] = [];
const notes: string[] = [];
const download = (repository: string, environment: Record<string, string> = {}, revision = 'main') =>
  downloadFromHub({
    repository,
    revision,
    environment: { HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, ...environment },
    note: (text) => notes.push(text),
  });

beforeAll(async () => {
  server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  vi.spyOn(console, 'debug').mockImplementation(() => {});
});
afterAll(() => {
  server.close();
  vi.restoreAllMocks();
});
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'compress-hub-'));
  vi.stubEnv('HF_HUB_CACHE', home);
  requests.length = 0;
  notes.length = 0;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

describe('downloadFromHub', () => {
  it('fills the cache as Python lays it out, with what a model needs and no more', async () => {
    const snapshot = await download('owner/tiny');
    const root = join(home, 'models--owner--tiny');
    expect(snapshot).toBe(join(root, 'snapshots', COMMIT));
    expect(await readFile(join(root, 'refs/main'), 'utf8')).toBe(COMMIT);
    expect(await readFile(join(snapshot, 'model.safetensors'), 'utf8')).toBe('weights');
    expect((await lstat(join(snapshot, 'config.json'))).isSymbolicLink()).toBe(true);
    expect(await readFile(join(root, 'blobs/oid-config.json'), 'utf8')).toBe(FILES['config.json']);
    expect(notes.map((note) => note.split(' ')[1])).toEqual([
      'owner/tiny/config.json',
      'owner/tiny/model.safetensors',
      'owner/tiny/tokenizer.json',
    ]);
  });

  it('fetches nothing twice, and nothing at all offline', async () => {
    const first = await download('owner/tiny');
    requests.length = 0;
    notes.length = 0;
    expect(await download('owner/tiny')).toBe(first);
    expect(requests.filter((request) => request.includes('/resolve/'))).toEqual([]);
    expect(notes).toEqual([]);
    requests.length = 0;
    expect(await download('owner/tiny', { HF_HUB_OFFLINE: '1' })).toBe(first);
    expect(await download('owner/tiny', { HF_HUB_OFFLINE: '1' }, COMMIT)).toBe(first);
    expect(requests).toEqual([]);
  });

  it('shows the token to the hub', async () => {
    await download('owner/tiny', { HF_TOKEN: 'hf_x' });
    expect(requests.every((request) => request.endsWith('Bearer hf_x'))).toBe(true);
  });

  it('explains what goes wrong', async () => {
    await expect(download('owner/none')).rejects.toThrow(/knows no owner\/none@main/);
    await expect(download('owner/secret')).rejects.toThrow(/refuses owner\/secret@main \(401\).*set HF_TOKEN/);
    await expect(download('owner/bins')).rejects.toThrow(/no config\.json with safetensors/);
    await expect(download('owner/tiny', { HF_HUB_OFFLINE: '1' })).rejects.toThrow(/not in the cache .* HF_HUB_OFFLINE/);
    await expect(download('owner/tiny', { HF_ENDPOINT: 'http://127.0.0.1:1' })).rejects.toThrow(
      /cannot be fetched from http:\/\/127\.0\.0\.1:1: .*Without network, give a folder/,
    );
  });
});
