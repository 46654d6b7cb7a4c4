import { resolve } from 'node:path';
import { CompressError } from '../errors.ts';
import { listFiles } from '../folder/list-files.ts';
import { UNLISTED_FILES } from '../manifest/manifest.ts';
import { readManifest } from '../manifest/verify-folder.ts';

/** The folder beside the output where a run keeps its journal, finished sections and spilled activations until it has ended. */
export function workFolder(output: string): string {
  return `${resolve(output)}.compress-work`;
}

/** Why nothing can be written to the output folder, as whole sentences: only an empty place or an earlier output of this program may be replaced. */
export async function checkOutput({ source, output }: { source: string; output: string }): Promise<string[]> {
  if (resolve(source) === resolve(output)) return [`The output folder ${output} is the model's own; choose another.`];
  let names: string[];
  try {
    names = await listFiles(output);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') return [`The output ${output} is a file; choose a folder.`];
    throw error;
  }
  if (names.length === 0) return [];
  const own = await ownFiles(output);
  const foreign = names.find((name) => !own?.includes(name));
  if (own === undefined)
    return [`The output folder ${output} is not empty and not an output of this program; empty it or choose another.`];
  if (foreign === undefined) return [];
  return [
    `The output folder ${output} also holds ${foreign}, which this program did not write; move it or choose another.`,
  ];
}

/** The files that a run of this program wrote there, or undefined if none did. */
async function ownFiles(folder: string): Promise<string[] | undefined> {
  try {
    return [...Object.keys((await readManifest(folder)).outputs), ...UNLISTED_FILES];
  } catch (error) {
    if (error instanceof CompressError) return undefined;
    throw error;
  }
}
