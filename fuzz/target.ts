import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder before anything is done to it: contents by name. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** A reader under attack. */
export interface Target {
  readonly name: string;
  /** Valid folders. */
  readonly folders: readonly Files[];
  /** Names of the files that are changed; others lie beside them. */
  readonly changed: readonly string[];
  /** The user names the file itself, not a folder: a link may then lead anywhere. */
  readonly named?: true;
  /** Reads all that there is to read. It may throw `CompressError` and nothing else. */
  read(folder: string): Promise<void>;
}

/** Files of a folder that is there. */
export async function filesOf(folder: string, names: readonly string[]): Promise<Files> {
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
  );
}
