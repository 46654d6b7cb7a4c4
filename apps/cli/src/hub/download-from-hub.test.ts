import { createHash } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { downloadFromHub } from './download-from-hub.ts';
import { COMMIT, type HubServer, type Mishap, startHub } from './hub-server.test.fixture.ts';

const WEIGHTS = Buffer.from('weights '.repeat(5000));
const SHA256 = createHash('sha256').update(WEIGHTS).digest('hex');
const FILES = {
  'config.json': '{"model_type":"llama"}',
  'model.safetensors': WEIGHTS,
  'tokenizer.json': '{}',
  'pytorch_model.bin': 'the same weights again',
  'model.onnx': 'and again',
  'README.md': 'card',
  LICENSE: 'Apache-2.0',
};
const REPOSITORIES = {
  'owner/tiny': FILES,
  'owner/bins': { 'config.json': '{}', 'pytorch_model.bin': 'old weights', 'flax_model.msgpack': 'x' },
  'owner/graph': {
    'config.json': '{}',
    'manifest.json': '{}',
    'onnx/model_q4.onnx': 'a graph',
    'onnx/model_q4.onnx_data': 'its tensors',
    'onnx/model_fp16.onnx': "another tool's",
    'original/params.json': '{}',
  },
  'owner/foreign': { 'config.json': '{}', 'onnx/model_q4.onnx': "another tool's" },
  'owner/empty': { 'config.json': '{}', 'model.onnx': 'x' },
};

let hub: HubServer;
let home: string;
let mishap: Mishap;
const notes: string[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'compress-hub-'));
  vi.stubEnv('HF_HUB_CACHE', home);
  notes.length = 0;
  mishap = () => false;
  hub = await startHub(REPOSITORIES, { mishap: (...seen) => mishap(...seen) });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(home, { recursive: true });
});

const download = (repository: string, environment: Record<string, string> = {}, revision = 'main') =>
  downloadFromHub({
    repository,
    revision,
    environment: { HF_ENDPOINT: `${hub.url}/`, HF_HOME: home, ...environment },
    patience: 1,
    note: (text) => notes.push(text),
  });
const resolved = () => hub.requests.filter((request) => request.includes('/resolve/'));
const root = () => join(home, 'models--owner--tiny');
const blob = () => join(root(), 'blobs', SHA256);

describe('downloadFromHub', () => {
  it('fills the cache as Python lays it out, with what a model needs and no more', async () => {
    const snapshot = await download('owner/tiny');
    expect(snapshot).toBe(join(root(), 'snapshots', COMMIT));
    expect(await readFile(join(root(), 'refs/main'), 'utf8')).toBe(COMMIT);
    expect(await readFile(join(snapshot, 'model.safetensors'))).toEqual(WEIGHTS);
    expect((await lstat(join(snapshot, 'config.json'))).isSymbolicLink()).toBe(true);
    expect(await readFile(blob())).toEqual(WEIGHTS);
    const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'README.md', 'LICENSE'];
    expect(notes.map((note) => note.split(' ')[1])).toEqual(names.map((name) => `owner/tiny/${name}`));
  });

  it("takes PyTorch's files where there are no others", async () => {
    const snapshot = await download('owner/bins');
    expect((await readdir(snapshot)).sort()).toEqual(['config.json', 'pytorch_model.bin']);
  });

  it('takes ONNX where a manifest tells that this program wrote it, and no other folder', async () => {
    const snapshot = await download('owner/graph');
    expect((await readdir(snapshot)).sort()).toEqual(['config.json', 'manifest.json', 'onnx']);
    expect((await readdir(join(snapshot, 'onnx'))).sort()).toEqual(['model_q4.onnx', 'model_q4.onnx_data']);
    expect(await readFile(join(snapshot, 'onnx/model_q4.onnx_data'), 'utf8')).toBe('its tensors');
    await expect(download('owner/foreign')).rejects.toThrow(/has no config\.json with safetensors/);
  });

  it('fetches nothing twice, and nothing at all offline', async () => {
    const first = await download('owner/tiny');
    hub.requests.length = 0;
    notes.length = 0;
    expect(await download('owner/tiny')).toBe(first);
    expect(resolved()).toEqual([]);
    expect(notes).toEqual([]);
    hub.requests.length = 0;
    expect(await download('owner/tiny', { HF_HUB_OFFLINE: '1' })).toBe(first);
    expect(await download('owner/tiny', { HF_HUB_OFFLINE: '1' }, COMMIT)).toBe(first);
    expect(hub.requests).toEqual([]);
  });

  it('shows the hub a token of the environment, or of the file that a login leaves', async () => {
    await download('owner/tiny', { HF_TOKEN: 'hf_x' });
    await writeFile(join(home, 'token'), 'hf_file\n');
    await download('owner/bins');
    const shown = hub.requests.map((request) => request.split(' ').at(-1));
    expect(new Set(shown)).toEqual(new Set(['hf_x', 'hf_file']));
  });

  it('explains what goes wrong', async () => {
    await expect(download('owner/none')).rejects.toThrow(/knows no owner\/none@main/);
    await expect(download('owner/secret')).rejects.toThrow(/refuses owner\/secret@main \(401\).*set HF_TOKEN/);
    await expect(download('owner/empty')).rejects.toThrow(/no config\.json with safetensors or pytorch_model\.bin/);
    await expect(download('owner/tiny', { HF_HUB_OFFLINE: '1' })).rejects.toThrow(/not in the cache .* HF_HUB_OFFLINE/);
    await expect(download('owner/tiny', { HF_ENDPOINT: 'http://127.0.0.1:1' })).rejects.toThrow(
      /cannot be read at http:\/\/127\.0\.0\.1:1: .*Without network, give a folder/,
    );
  });
});

describe('a download of bytes', () => {
  const isWeights = (path: string) => path.endsWith('model.safetensors');

  it('goes on where the connection broke, as often as bytes come', async () => {
    let broken = 0;
    mishap = (request, response, path) => {
      if (!isWeights(path) || broken === 7) return false;
      broken++;
      const from = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, { 'Content-Length': WEIGHTS.length - from });
      response.write(WEIGHTS.subarray(from, from + 1000), () => setTimeout(() => response.destroy(), 20));
      return true;
    };
    await download('owner/tiny');
    expect(await readFile(blob())).toEqual(WEIGHTS);
    expect(notes.filter((note) => note.includes('broke off at byte'))).toHaveLength(7);
  });

  it('takes up what an earlier one left, and leaves what came', async () => {
    mishap = (_request, response, path) => {
      if (!isWeights(path)) return false;
      response.destroy();
      return true;
    };
    await mkdir(join(root(), 'blobs'), { recursive: true });
    await writeFile(`${blob()}.incomplete`, WEIGHTS.subarray(0, 30_000));
    await expect(download('owner/tiny')).rejects.toThrow(/broke off 5 times in a row/);
    expect(await readFile(`${blob()}.incomplete`)).toEqual(WEIGHTS.subarray(0, 30_000));
    const ranges: (string | undefined)[] = [];
    mishap = (request, _response, path) => {
      if (isWeights(path)) ranges.push(request.headers.range);
      return false;
    };
    await download('owner/tiny');
    expect(ranges).toEqual(['bytes=30000-']);
    expect(await readFile(blob())).toEqual(WEIGHTS);
  });

  it.each<[string, Buffer]>([
    ['of other bytes', Buffer.alloc(20_000, 'x')],
    ['longer than the file', Buffer.concat([WEIGHTS, WEIGHTS])],
  ])('begins anew where an earlier one left some %s', async (_, left) => {
    await mkdir(join(root(), 'blobs'), { recursive: true });
    await writeFile(`${blob()}.incomplete`, left);
    await download('owner/tiny');
    expect(await readFile(blob())).toEqual(WEIGHTS);
  });

  it('begins anew at a server that knows no ranges', async () => {
    mishap = (request, response, path) => {
      if (!isWeights(path) || request.headers.range === undefined) return false;
      response.writeHead(200, { 'Content-Length': WEIGHTS.length }).end(WEIGHTS);
      return true;
    };
    await mkdir(join(root(), 'blobs'), { recursive: true });
    await writeFile(`${blob()}.incomplete`, WEIGHTS.subarray(0, 10));
    await download('owner/tiny');
    expect(await readFile(blob())).toEqual(WEIGHTS);
  });

  it('outlasts a server that is busy', async () => {
    let busy = 3;
    mishap = (_request, response, path) => {
      if (!isWeights(path) || busy-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    await download('owner/tiny');
    expect(await readFile(blob())).toEqual(WEIGHTS);
  });

  it.each(['model.safetensors', 'config.json'])(
    'of another content than the hub lists is refused: %s',
    async (name) => {
      mishap = (_request, response, path) => {
        if (!path.endsWith(name)) return false;
        response.end(Buffer.alloc(Buffer.from(FILES[name as 'config.json']).length, 'x'));
        return true;
      };
      await expect(download('owner/tiny')).rejects.toMatchObject({ code: 'hub-corrupt' });
      const blobs = await readdir(join(root(), 'blobs'));
      expect(blobs.filter((file) => file === SHA256 || file.endsWith('.incomplete'))).toEqual([]);
    },
  );

  it('names no file after what the hub says of itself', async () => {
    mishap = (_request, response, path) => {
      if (!path.includes('/tree/')) return false;
      const lfs = { oid: '../../../escaped', size: 1, pointerSize: 1 };
      const entry = (name: string) => ({ type: 'file', path: name, size: 1, oid: '../escaped', lfs });
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify([entry('config.json'), entry('model.safetensors')]));
      return true;
    };
    await expect(download('owner/tiny')).rejects.toMatchObject({ code: 'hub-corrupt' });
  });
});
