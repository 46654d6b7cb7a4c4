import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CompressError, type Place } from '@compress/core';
import { downloadFromHub } from '../hub/download-from-hub.ts';

/** `owner/name` or `owner/name@revision`, as the hub allows them. */
const HUB_ID = /^(?<repository>[\w-][\w.-]*\/[\w-][\w.-]*)(?:@(?<revision>[\w./-]+))?$/;

/**
 * The folder of a model: one on disk (relative to `directory`), or the hub's, downloaded if the cache does not have it. A folder that
 * exists wins over a hub id of the same spelling. Throws `CompressError` `model-missing`, and those of {@link downloadFromHub}.
 */
export async function locateModel(
  model: string,
  { directory, place = {}, note }: { readonly directory: string; readonly place?: Place; note(text: string): void },
): Promise<string> {
  const folder = resolve(directory, model);
  if (await isFolder(folder)) {
    if (await isFile(join(folder, 'config.json'))) return folder;
    throw new CompressError('model-missing', `The folder ${folder} has no config.json, so it is no model.`, place);
  }
  const hub = HUB_ID.exec(model)?.groups;
  if (hub === undefined) {
    throw new CompressError(
      'model-missing',
      `There is no folder ${folder}, and ${model} is no hub id either (owner/name or owner/name@revision).`,
      place,
    );
  }
  return downloadFromHub({
    repository: hub.repository,
    revision: hub.revision ?? 'main',
    environment: process.env,
    note,
  });
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
