import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CompressError, readModelText } from '@compress/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attack } from './attack.ts';
import { createMeter, type Meter } from './meter.ts';

/** The harness itself: a reader that misbehaves must be found out. */
let work: string;
let meter: Meter;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'compress-attack-'));
  meter = createMeter();
});
afterAll(() => rm(work, { recursive: true }));

const readers: Record<string, (folder: string) => Promise<void>> = {
  'throws something else': async () => {
    throw new TypeError('x is undefined');
  },
  'allocates what a file claims': async () => {
    new Float64Array(10_000_000);
  },
  'opens what is outside': async (folder) => {
    await readFile(join(dirname(folder), 'outside', 'a.json'));
  },
  'follows a link out of the folder': async (folder) => {
    await readFile(join(folder, 'a.json'));
  },
  'says nothing': async () => {
    throw new CompressError('', '');
  },
};

const attackReader = (read: (folder: string) => Promise<void>) =>
  attack({
    target: { name: 'a', folders: [{ 'a.json': Buffer.from('{"a":[1,2]}') }], changed: ['a.json'], read },
    runs: 200,
    seed: 1,
    work,
    meter,
    tick: () => {},
  });

it.each(Object.keys(readers))('finds a reader that %s', async (what) => {
  await expect(attackReader(readers[what])).rejects.toThrow(/seed: 1/);
});

it('lets a reader pass that reads or refuses', async () => {
  const outcomes = await attackReader(async (folder) => {
    const text = await readModelText(folder, 'a.json');
    if (text === undefined || text.length % 2 === 0) throw new CompressError('even', 'It is even.');
  });
  expect([...outcomes.keys()].sort()).toEqual(['even', 'file-outside', 'read']);
});
