import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Checkpoint, openCheckpoint, randomStream } from '@compress/core';
import { encodeBlocks, openGguf, writeGguf } from '@compress/formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_MODEL, demoTexts } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-cli-chain-'));
  await writeFile(join(directory, 'text.txt'), (await demoTexts()).evaluation.slice(0, 6_000));
});
afterAll(() => rm(directory, { recursive: true }));

const cli = (...args: string[]) => runInFolder(directory, [...args, '--json', '--threads', '1']);

async function converted(...args: string[]) {
  const { code, log, json } = await cli('convert', ...args);
  expect(code, log).toBe(EXIT.ok);
  return json();
}

/** A tensor's elements as unsigned whole numbers of their width, and its columns. */
async function bitsOf(checkpoint: Checkpoint, name: string) {
  const { dtype, shape } = checkpoint.tensors.get(name)!;
  const { buffer } = (await checkpoint.read(name)).slice();
  return { bits: dtype === 'I32' ? new Uint32Array(buffer) : new Uint16Array(buffer), columns: shape[1] };
}

/** Codes that lie eight in a word, the words of one layout being those of the other turned; `repeat`: columns that stand for one of the first. */
async function expectTurned(gptq: [Checkpoint, string], packed: [Checkpoint, string], repeat = 1): Promise<void> {
  const [one, other] = [await bitsOf(...gptq), await bitsOf(...packed)];
  expect(other.bits.length).toBe(one.bits.length * repeat);
  const differing = other.bits.findIndex((bits, i) => {
    const [row, column] = [Math.floor(i / other.columns), i % other.columns];
    return bits !== one.bits[Math.floor(column / repeat) * one.columns + row];
  });
  expect(differing, packed[1]).toBe(-1);
}

async function nll(model: string): Promise<number> {
  const { code, log, json } = await cli('eval', model, '--text', 'text.txt', '--context', '64', '--windows', '2');
  expect(code, log).toBe(EXIT.ok);
  return json().nll;
}

describe('a chain of conversions', () => {
  it.each([
    ['int4-asym', 32, 'Q4_1'],
    ['int4-asym', 128, 'Q4_1'],
    ['int4', 32, 'Q4_0'],
  ])(
    'of %s in groups of %i, gptq to %s to compressed-tensors, changes no code, scale or zero point',
    async (grid, groupSize, type) => {
      const name = `${grid}-${groupSize}`;
      const recipe = `model: ${DEMO_MODEL}
output: ./${name}
pipeline:
  - rtn: { grid: ${grid}, groupSize: ${groupSize} }
format: gptq
`;
      await writeFile(join(directory, `${name}.yaml`), recipe);
      expect((await cli('run', `${name}.yaml`)).code).toBe(EXIT.ok);

      const { minimumLoss, tensors } = await converted(name, `${name}.gguf`);
      expect(new Set(tensors.flatMap((t: { type: string; placed: boolean }) => (t.placed ? [t.type] : [])))).toEqual(
        new Set([type]),
      );
      const { warnings, touched } = await converted(`${name}.gguf`, `${name}-ct`, '--format', 'compressed-tensors');
      expect(touched).toBe(28);
      // What a step cannot hold it says: f16 minima in the place of zero points.
      expect(minimumLoss > 0).toBe(type === 'Q4_1');
      expect(warnings.map(({ message }: { message: string }) => message)).toEqual(
        type === 'Q4_1' ? [expect.stringMatching(/rounded its minima to f16; .* zero points/)] : [],
      );

      const [gptq, packed] = [
        await openCheckpoint(join(directory, name)),
        await openCheckpoint(join(directory, `${name}-ct`)),
      ];
      const layers = [...gptq.tensors.keys()].flatMap((tensor) =>
        tensor.endsWith('.qweight') ? [tensor.slice(0, -8)] : [],
      );
      expect(layers).toHaveLength(28);
      for (const layer of layers) {
        await expectTurned([gptq, `${layer}.qweight`], [packed, `${layer}.weight_packed`]);
        // A block of GGUF has 32 numbers, and groups of 128 come back as four.
        await expectTurned([gptq, `${layer}.scales`], [packed, `${layer}.weight_scale`], groupSize / 32);
        if (type === 'Q4_1')
          await expectTurned([gptq, `${layer}.qzeros`], [packed, `${layer}.weight_zero_point`], groupSize / 32);
        else expect(packed.tensors.has(`${layer}.weight_zero_point`)).toBe(false);
      }
      const floats = [...gptq.tensors.keys()].filter((tensor) => /embed|norm/.test(tensor));
      expect(floats).toHaveLength(10);
      for (const tensor of floats)
        expect(Buffer.compare(await gptq.read(tensor), await packed.read(tensor)), tensor).toBe(0);
      await Promise.all([gptq.close(), packed.close()]);
      // So has all else come along by which the model is run.
      expect(await nll(`${name}-ct`)).toBe(await nll(name));

      if (groupSize !== 32) return;
      await converted(`${name}.gguf`, `${name}-back`, '--format', 'gptq');
      const weights = (folder: string) => readFile(join(directory, folder, 'model.safetensors'));
      expect(Buffer.compare(await weights(`${name}-back`), await weights(name))).toBe(0);
    },
  );

  it("says which codes of llama.cpp's own are no other format's, and takes them as floats", async () => {
    const source = await openGguf(join(directory, 'int4-asym-32.gguf'));
    const { normal } = randomStream('blocks');
    const values = Float32Array.from({ length: 256 * 256 }, normal);
    const tensors = [];
    for (const { name, type, shape, codedBytes, byteLength } of source.tensors.values()) {
      const blocks =
        name === 'blk.0.attn_v.weight' ? encodeBlocks('Q4_1', values.subarray(0, 128 * 256), 256) : undefined;
      const bytes = async () => blocks ?? source.readStored(name);
      tensors.push({ name, type, shape, byteLength: codedBytes ?? byteLength, bytes });
    }
    await writeGguf(join(directory, 'theirs.gguf'), { metadata: source.metadata, tensors });
    await source.close();
    const before = await readdir(directory);
    expect(await cli('convert', 'theirs.gguf', 'theirs', '--format', 'gptq')).toMatchObject({
      code: EXIT.failure,
      log: expect.stringMatching(
        /blk\.0\.attn_v\.weight: A block of Q4_1 has the scale .* take the model as floats \(dense\)/,
      ),
    });
    expect((await readdir(directory)).filter((name) => !before.includes(name))).toEqual(['theirs.compress-work']);
    expect(await converted('theirs.gguf', 'floats', '--format', 'dense')).toMatchObject({ touched: 28, warnings: [] });
  });
});
