import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderFile } from '@compress/core';
import { parse } from 'yaml';

/** What a card says of the model that was compressed. */
export interface BaseModel {
  /** `owner/name`, where it came from the Hub. */
  readonly id?: string;
  /** What its own card says of its licence and languages; those keys that are there. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** How Python's cache, and so ours, names the folder of a model of the Hub. */
const SNAPSHOT = /[\\/]models--([^\\/]+?)--([^\\/]+)[\\/]snapshots[\\/][0-9a-f]+[\\/]?$/;
/** Keys of a card's front matter that hold for what is made of the model too. */
const INHERITED = ['license', 'license_name', 'license_link', 'language'];
const FRONT_MATTER = /^---\r?\n([\s\S]*?)\r?\n---(?:\r?\n|$)/;

/** Reads what is known of the model in a folder. A card without front matter that can be read tells nothing. */
export async function readBaseModel(folder: string): Promise<BaseModel> {
  const [, owner, name] = SNAPSHOT.exec(folder) ?? [];
  const card = (await folderFile(folder, 'README.md')) && (await readFile(join(folder, 'README.md'), 'utf8'));
  const metadata = frontMatter(card ?? '');
  const inherited = INHERITED.flatMap((key) => (metadata[key] === undefined ? [] : [[key, metadata[key]]]));
  return { ...(owner !== undefined && { id: `${owner}/${name}` }), metadata: Object.fromEntries(inherited) };
}

function frontMatter(card: string): Record<string, unknown> {
  const text = FRONT_MATTER.exec(card)?.[1];
  try {
    const value: unknown = text === undefined ? undefined : parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
