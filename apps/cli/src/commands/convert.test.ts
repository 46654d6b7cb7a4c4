import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_MODEL } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-cli-convert-'));
});
afterAll(() => rm(directory, { recursive: true }));

const THREADS = ['--threads', '1'];

const cli = (...args: string[]) => runInFolder(directory, args[0] === 'verify' ? args : [...args, ...THREADS]);

async function quantized(name: string, step: string, format: string): Promise<string> {
  const recipe = `model: ${DEMO_MODEL}\noutput: ./${name}\npipeline:\n  - ${step}\nformat: ${format}\n`;
  await writeFile(join(directory, `${name}.yaml`), recipe);
  expect((await cli('run', `${name}.yaml`)).code).toBe(EXIT.ok);
  return name;
}

const file = (folder: string, name: string) => readFile(join(directory, folder, name));

describe('compress convert', () => {
  it.each(['compressed-tensors', 'onnx'])('goes from gptq to %s and back to the same bytes', async (format) => {
    const source = await quantized(`w4-before-${format}`, 'rtn: { grid: int4-asym, groupSize: 64 }', 'gptq');
    const there = await cli('convert', source, format, '--format', format);
    expect(there).toMatchObject({
      code: EXIT.ok,
      stdout: expect.stringMatching(/28 at 4\.\d+ bits a weight, 1 as they were/),
    });
    const back = await cli('convert', format, `${format}-back`, '--format', 'gptq', '--json');
    expect(JSON.parse(back.stdout)).toMatchObject({ format: 'gptq', touched: 28, warnings: [] });
    for (const name of ['model.safetensors', 'config.json', 'quantize_config.json', 'tokenizer.json'])
      expect(Buffer.compare(await file(`${format}-back`, name), await file(source, name)), name).toBe(0);
    expect(await cli('verify', `${format}-back`)).toMatchObject({ code: EXIT.ok });
  });

  it('writes floats, and says what is wrong with a command line', async () => {
    const source = await quantized('w3', 'rtn: { grid: int3, groupSize: 64 }', 'compressed-tensors');
    const dense = JSON.parse(
      (await cli('convert', source, 'floats', '--format', 'dense', '--dtype', 'bf16', '--json')).stdout,
    );
    expect(dense.bytesAfter).toBeGreaterThan(2 * 4e6);
    const config = JSON.parse(await readFile(join(directory, 'floats/config.json'), 'utf8'));
    expect(config).toMatchObject({ dtype: 'bfloat16' });
    expect(config).not.toHaveProperty('quantization_config');
    expect(await cli('convert', source, 'no', '--format', 'zip')).toMatchObject({ code: EXIT.usage });
    expect(await cli('convert', source, source, '--format', 'dense')).toMatchObject({
      code: EXIT.usage,
      log: expect.stringMatching(/is the model's own; choose another/),
    });
    expect(await cli('convert', DEMO_MODEL, 'no', '--format', 'gptq')).toMatchObject({
      code: EXIT.usage,
      log: expect.stringMatching(/holds no Linears in codes/),
    });
    expect((await readdir(directory)).filter((name) => name.startsWith('no'))).toEqual([]);
  });

  it('names every layer that the format cannot hold', async () => {
    const source = await quantized('w5', 'rtn: { grid: int5, groupSize: 64 }', 'compressed-tensors');
    const refused = await cli('convert', source, 'no', '--format', 'gptq', '--json');
    expect(refused.code).toBe(EXIT.usage);
    expect(refused.log).toMatch(
      /model\.layers\.0\.self_attn\.q_proj and 27 more: The format gptq holds 2, 3, 4 or 8 bits, not 5/,
    );
  });
});
