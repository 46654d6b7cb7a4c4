import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Files, filesOf, type Target } from '../target.ts';
import { readModel } from './read-model.ts';

const GOLDENS = fileURLToPath(new URL('../../packages/models/goldens', import.meta.url));

/** config.json of every architecture, its tensors beside it. */
export async function configTarget(): Promise<Target> {
  const entries = await readdir(GOLDENS, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && entry.name !== 'tokenizers').map(({ name }) => name);
  const folders: Files[] = [];
  for (const name of names.sort())
    folders.push(await filesOf(`${GOLDENS}/${name}`, ['config.json', 'model.safetensors']));
  return { name: 'config.json', folders, changed: ['config.json'], read: readModel };
}
