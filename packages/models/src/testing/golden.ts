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

/** Every case of `make_goldens.py`. */
export const goldenCases = [
  'llama',
  'llama-tied',
  'llama-yarn',
  'mistral',
  'qwen2',
  'qwen3',
  'gemma3',
  'gpt2',
  'opt',
  'gpt_neox',
  'gpt_neox-serial',
  'phi3',
  'mixtral',
];

/** Reads one case; the caller closes its checkpoint. */
export async function readGolden(name: string): Promise<Golden> {
  const expected = await openSafetensors(`${folder}/${name}.golden.safetensors`);
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
