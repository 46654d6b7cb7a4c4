import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { locateModel } from './locate-model.ts';

let directory: string;
const locate = (model: string) => locateModel(model, { directory, note: () => {} });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-locate-'));
  await mkdir(join(directory, 'owner/name'), { recursive: true });
  await mkdir(join(directory, 'empty'));
  await writeFile(join(directory, 'owner/name/config.json'), '{}');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

it('takes a folder, even one that is spelt like a hub id', async () => {
  expect(await locate('./owner/name')).toBe(join(directory, 'owner/name'));
  expect(await locate('owner/name')).toBe(join(directory, 'owner/name'));
  expect(await locate(join(directory, 'owner/name'))).toBe(join(directory, 'owner/name'));
});

it('says why a place is no model', async () => {
  await expect(locate('./empty')).rejects.toThrow(/empty has no config\.json/);
  await expect(locate('./nowhere')).rejects.toThrow(/no folder .*nowhere, and \.\/nowhere is no hub id either/);
  await expect(locate('a/b/c')).rejects.toThrow(/is no hub id either/);
});

it('looks for hub ids and revisions in the cache', async () => {
  vi.stubEnv('HF_HUB_CACHE', join(directory, 'cache'));
  vi.stubEnv('HF_HUB_OFFLINE', '1');
  await expect(locate('some-one/a.model')).rejects.toThrow(/some-one\/a\.model@main is not in the cache/);
  await expect(locate('some-one/a.model@refs/pr/3')).rejects.toThrow(/a\.model@refs\/pr\/3 is not in the cache/);
});
