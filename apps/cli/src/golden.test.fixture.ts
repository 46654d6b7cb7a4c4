import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Checkpoint, type Model, openCheckpoint, openSafetensors } from '@compress/core';
import { modelFromConfig } from '@compress/models';

/** Tiny checkpoints of transformers, one for each architecture, with the logits that transformers computes: see the package `models`. */
const goldens = fileURLToPath(new URL('../../../packages/models/goldens', import.meta.url));

/** The names of all. */
export const goldenNames = readdirSync(goldens, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'tokenizers')
  .map(({ name }) => name);

/** The folder of a checkpoint. */
export const goldenFolder = (name: string) => join(goldens, name);

/** The tokens of a golden, `sequences` of `length` each, and the logits `[tokens, vocabulary]` of transformers. */
export interface GoldenTokens {
  readonly tokens: Uint32Array;
  readonly length: number;
  readonly sequences: readonly Uint32Array[];
  readonly logits: Float32Array;
}

export async function readGoldenTokens(name: string): Promise<GoldenTokens> {
  const expected = await openSafetensors(join(goldens, `${name}.golden.safetensors`));
  const tokens = new Uint32Array((await expected.read('tokens')).slice().buffer);
  const logits = new Float32Array((await expected.read('logits')).slice().buffer);
  const length = expected.tensors.get('tokens')!.shape[1];
  await expected.close();
  const sequences = Array.from({ length: tokens.length / length }, (_, i) =>
    tokens.slice(i * length, (i + 1) * length),
  );
  return { tokens, length, sequences, logits };
}

/** The model that a golden's config.json says, with the weights of a checkpoint. */
export async function goldenModel(name: string, checkpoint: Checkpoint): Promise<Model> {
  return modelFromConfig(JSON.parse(await readFile(join(goldens, name, 'config.json'), 'utf8')), checkpoint.tensors);
}

/** All of a golden; the caller closes its checkpoint. */
export async function openGolden(
  name: string,
): Promise<GoldenTokens & { readonly model: Model; readonly checkpoint: Checkpoint }> {
  const checkpoint = await openCheckpoint(join(goldens, name));
  return { model: await goldenModel(name, checkpoint), checkpoint, ...(await readGoldenTokens(name)) };
}
