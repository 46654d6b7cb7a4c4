import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ModelCard } from '@compress/formats';
import { parse } from 'yaml';

/** The YAML that a model card begins with. */
const FRONT_MATTER = /^---\r?\n(.*?)\r?\n---/s;

/**
 * What a file tells of the model in `folder`, which was asked for as `name`: licence and base model come from the head of its card (README.md),
 * where it has one that can be read.
 */
export async function readCard(folder: string, name: string): Promise<ModelCard> {
  const text = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '');
  const head: unknown = parseHead(FRONT_MATTER.exec(text)?.[1] ?? '');
  const field = (key: string): string | undefined => {
    const value = typeof head === 'object' && head !== null ? (head as Record<string, unknown>)[key] : undefined;
    const one = Array.isArray(value) ? value[0] : value;
    return typeof one === 'string' && one !== '' ? one : undefined;
  };
  const [license, baseModel] = [field('license'), field('base_model')];
  return {
    name: basename(name.split('@')[0]),
    ...(license !== undefined && { license }),
    ...(baseModel !== undefined && { baseModel }),
  };
}

/** A card that is no YAML says nothing: it is not what was asked for. */
function parseHead(yaml: string): unknown {
  try {
    return parse(yaml);
  } catch {
    return undefined;
  }
}
