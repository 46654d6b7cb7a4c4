import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFloat32 } from '@compress/core';
import { openGguf, openModelCheckpoint } from '@compress/formats';
import { createReferenceKernels } from '@compress/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_MODEL } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-cli-gguf-'));
});
afterAll(() => rm(directory, { recursive: true }));

const cli = (...args: string[]) => runInFolder(directory, [...args, '--threads', '1']);

async function quantized(name: string, step: string, format: string): Promise<void> {
  const recipe = `model: ${DEMO_MODEL}\noutput: ./${name}\npipeline:\n  - ${step}\nformat: ${format}\n`;
  await writeFile(join(directory, `${name}.yaml`), recipe);
  expect((await cli('run', `${name}.yaml`)).code).toBe(EXIT.ok);
}

/** The first MLP's output, decoded by the readers of both. */
async function downProjections(folder: string, file: string): Promise<[Float32Array, Float32Array]> {
  const kernels = createReferenceKernels();
  const [ours, gguf] = [await openModelCheckpoint(join(directory, folder)), await openGguf(join(directory, file))];
  const one = await readFloat32(ours, 'model.layers.0.mlp.down_proj.weight', kernels);
  const other = await readFloat32(gguf, 'blk.0.ffn_down.weight', kernels);
  await Promise.all([ours.close(), gguf.close()]);
  return [one, other];
}

describe('compress convert to GGUF', () => {
  it.each([
    ['int4', 32, 'gptq', 'Q4_0'],
    ['int4-asym', 64, 'compressed-tensors', 'Q4_1'],
  ])('places codes of %s in groups of %i (%s) in %s', async (grid, groupSize, format, type) => {
    await quantized(grid, `rtn: { grid: ${grid}, groupSize: ${groupSize} }`, format);
    const { code, stdout } = await cli('convert', grid, 'coded.gguf', '--json');
    expect(code).toBe(EXIT.ok);
    const { tensors, minimumLoss } = JSON.parse(stdout);
    const placed = tensors.filter((tensor: { placed: boolean }) => tensor.placed);
    expect(placed).toHaveLength(28);
    expect(new Set(placed.map((tensor: { type: string }) => tensor.type))).toEqual(new Set([type]));
    const [ours, theirs] = await downProjections(grid, 'coded.gguf');
    if (type === 'Q4_0') {
      expect(minimumLoss).toBe(0);
      expect(theirs).toEqual(ours);
    } else {
      // Of up to 15 steps, half a unit in the last of 11 bits.
      expect(minimumLoss).toBeGreaterThan(0);
      expect(minimumLoss).toBeLessThanOrEqual(15 * 2 ** -11);
      const largest = ours.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const difference = theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - ours[i])), 0);
      expect(difference).toBeLessThan(largest * 2 ** -10);
    }
  });

  it('encodes anew where a mixture is asked for, and says so', async () => {
    const { code, stdout } = await cli('convert', 'int4', 'again.gguf', '--type', 'q4_k_m');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toMatch(/size +2\.\d+ MB, 5\.2\d+ bits a weight\ntensors +.*9 F32/);
    expect(stdout).toMatch(/codes +of 28 Linears were decoded and encoded anew; without --type they are kept/);
  });

  it('says what is wrong with a command line, and what codes have no place', async () => {
    await quantized('w8', 'rtn: { grid: { bits: 8, symmetric: false }, groupSize: 64 }', 'compressed-tensors');
    const before = await readdir(directory);
    const failing: [string[], number, RegExp][] = [
      [['int4', 'x'], EXIT.usage, /Name a format with --format, or a file \*\.gguf/],
      [['int4', 'x', '--format', 'gguf'], EXIT.usage, /name it so, .*x\.gguf/],
      [['int4', 'x.gguf', '--dtype', 'f16'], EXIT.usage, /--type says/],
      [['int4', 'x', '--format', 'gptq', '--type', 'q4_0'], EXIT.usage, /are for gguf, not for gptq/],
      [['int4', 'x.gguf', '--type', 'q4_2'], EXIT.usage, /q4_0/],
      [['int4', 'x.gguf', '--type', 'q4_0', '--imatrix', 'none.gguf'], EXIT.failure, /cannot be opened/],
      [['w8', 'x.gguf'], EXIT.failure, /no type has zero points with 8 bits: give a type/],
    ];
    for (const [args, code, message] of failing) {
      expect(await cli('convert', ...args)).toMatchObject({ code, log: expect.stringMatching(message) });
    }
    expect(await readdir(directory)).toEqual(before);
  });
});
