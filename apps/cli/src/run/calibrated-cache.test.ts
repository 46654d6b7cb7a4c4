import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DEMO_MODEL, demoTexts } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

it('a cache is calibrated though nothing else observes, and its scales are told to readers of the format', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'compress-cache-'));
  try {
    const side = '{ grid: fp8, scales: tensor }';
    await writeFile(join(directory, 'text.txt'), (await demoTexts()).evaluation.slice(0, 4000));
    await writeFile(
      join(directory, 'recipe.yaml'),
      `model: ${DEMO_MODEL}
output: ./out
calibration: { text: ./text.txt, samples: 4, length: 64 }
pipeline:
  - kv-cache: { keys: ${side}, values: ${side}, residual: 0 }
format: compressed-tensors
`,
    );
    const { code, log } = await runInFolder(directory, ['run', 'recipe.yaml']);
    expect(log).not.toMatch(/error/);
    expect(code).toBe(EXIT.ok);
    const config = JSON.parse(await readFile(join(directory, 'out/config.json'), 'utf8'));
    expect(config.quantization_config).toMatchObject({ format: 'dense', kv_cache_scheme: { type: 'float' } });
    const { attention } = JSON.parse(await readFile(join(directory, 'out/inference.json'), 'utf8'));
    expect(attention['blocks.0'].cache.keys.scales[0]).toBeGreaterThan(0);
  } finally {
    await rm(directory, { recursive: true });
  }
});
