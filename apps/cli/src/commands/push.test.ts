import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { DEMO_MODEL } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { type HubServer, startHub } from '../hub/hub-server.test.fixture.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

let directory: string;
let hub: HubServer;

const cli = (...args: string[]) => runInFolder(directory, args);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-push-'));
  await writeFile(
    join(directory, 'recipe.yaml'),
    `model: ${DEMO_MODEL}\noutput: ./out\npipeline:\n  - rtn: { grid: int4, groupSize: 128 }\nformat: gptq\n`,
  );
  expect(await cli('run', 'recipe.yaml', '--threads', '1')).toMatchObject({ code: EXIT.ok });
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(async () => {
  hub = await startHub({ 'owner/there': {} }, { token: 'hf_right' });
  vi.stubEnv('HF_ENDPOINT', hub.url);
  vi.stubEnv('HF_TOKEN', 'hf_right');
  vi.stubEnv('HF_HOME', directory);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
});

it('lists what would go up, and asks the hub for nothing', async () => {
  vi.stubEnv('HF_TOKEN', '');
  const { code, json } = await cli('push', 'out', 'owner/new', '--dry-run', '--json');
  expect(code).toBe(EXIT.ok);
  const files: { file: string; bytes: number }[] = json().files;
  for (const name of [
    'README.md',
    'config.json',
    'manifest.json',
    'model.safetensors',
    'report.html',
    'tokenizer.json',
  ]) {
    expect(files.map(({ file }) => file)).toContain(name);
  }
  expect(files.map(({ file }) => file)).not.toContain('run.json');
  expect(hub.requests).toEqual([]);
  expect((await cli('push', 'out', 'owner/new', '--dry-run')).stdout).toMatch(
    /model\.safetensors +[\d.]+ MB[\s\S]*Nothing was uploaded/,
  );
});

it.each([
  ['a repository that is made', 'owner/new', []],
  ['one that is there', 'owner/there', []],
  ['a branch', 'owner/there', ['--revision', 'w4']],
])('uploads every file as it is, in one commit: to %s', async (_, repository, options) => {
  const { code, json } = await cli('push', 'out', repository, '--private', '--json', ...options);
  expect(code).toBe(EXIT.ok);
  const [branch] = [...options].reverse().concat('main');
  const suffix = branch === 'main' ? '' : `/tree/${branch}`;
  expect(json()).toMatchObject({ repository, revision: branch, url: `${hub.url}/${repository}${suffix}` });
  expect(hub.commits).toHaveLength(1);
  const [{ lines }] = hub.commits;
  expect(hub.commits[0].branch).toBe(branch);
  const manifest = JSON.parse(await readFile(join(directory, 'out/manifest.json'), 'utf8'));
  const paths = lines.filter(({ key }) => key !== 'header').map(({ value }) => value.path);
  expect(paths.sort()).toEqual([...Object.keys(manifest.outputs), 'manifest.json', 'report.html'].sort());
  for (const { key, value } of lines) {
    const on = join(directory, 'out', String(value.path));
    if (key === 'header') continue;
    const uploaded = key === 'file' ? Buffer.from(String(value.content), 'base64') : hub.objects.get(String(value.oid));
    expect(uploaded?.equals(await readFile(on))).toBe(true);
  }
  expect(lines.filter(({ key }) => key === 'lfsFile').map(({ value }) => value.oid)).toEqual([
    manifest.outputs['model.safetensors'].sha256,
  ]);
});

it('says what is wrong, and where the hub is not to blame it is not asked', async () => {
  expect(await cli('push', 'out', 'stranger/x')).toMatchObject({
    code: EXIT.failure,
    log: expect.stringMatching(/refuses stranger\/x@main \(403\).* the token in use has no right that it be written/),
  });
  vi.stubEnv('HF_TOKEN', 'hf_wrong');
  expect((await cli('push', 'out', 'owner/there')).log).toMatch(/refuses owner\/there@main \(401\)/);
  const asked = hub.requests.length;
  vi.stubEnv('HF_TOKEN', '');
  expect((await cli('push', 'out', 'owner/there')).log).toMatch(
    /takes a token: set HF_TOKEN, or log in with hf auth login/,
  );
  expect(await cli('push', 'out', 'no-owner')).toMatchObject({ code: EXIT.usage });
  expect((await cli('push', '.', 'owner/there')).log).toMatch(/no manifest/);
  await writeFile(join(directory, 'out/notes.txt'), 'private');
  await appendFile(join(directory, 'out/config.json'), ' ');
  const changed = await cli('push', 'out', 'owner/there');
  expect(changed.code).toBe(EXIT.mismatch);
  expect(changed.stdout).toMatch(/Nothing was uploaded[\s\S]*config\.json has[\s\S]*notes\.txt is in the folder/);
  expect(hub.requests).toHaveLength(asked);
  vi.stubEnv('HF_TOKEN', 'hf_right');
});
