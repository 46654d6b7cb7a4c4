import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Checkpoint, openCheckpoint, openSafetensors } from '@compress/core';

/** What `goldens/make_goldens.py` wrote for one case. */
export interface Golden {
  readonly config: Record<string, unknown>;
  readonly checkpoint: Checkpoint;
  readonly tokens: Uint32Array;
  readonly length: number;
  /** `[sequences * length, vocabulary]` */
  readonly logits: Float32Array;
}

const folder = fileURLToPath(new URL('../../goldens', import.meta.url));

const SUFFIX = '.golden.safetensors';

/** Every case that `make_goldens.py` wrote. */
export const goldenCases = readdirSync(folder)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length))
  .sort();

/** Reads one case; the caller closes its checkpoint. */
export async function readGolden(name: string): Promise<Golden> {
  const expected = await openSafetensors(`${folder}/${name}${SUFFIX}`);
  const [tokens, logits] = [await expected.read('tokens'), await expected.read('logits')];
  const length = expected.tensors.get('tokens')!.shape[1];
  await expected.close();
  return {
    config: JSON.parse(await readFile(`${folder}/${name}/config.json`, 'utf8')),
    checkpoint: await openCheckpoint(`${folder}/${name}`),
    tokens: new Uint32Array(tokens.slice().buffer),
    length,
    logits: new Float32Array(logits.slice().buffer),
  };
}
