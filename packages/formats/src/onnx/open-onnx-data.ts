import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Checkpoint, CompressError, nestedFile, openSafetensors } from '@compress/core';
import { dataFile, ONNX_FOLDER } from './onnx-file.ts';
import { BITS } from './onnx-layout.ts';

/** What tells that a file is no safetensors at all; other faults are of a file of ours that is damaged. */
const OTHER_FILE = ['header-too-small', 'header-too-large', 'header-length', 'header-json'].map(
  (what) => `safetensors-${what}`,
);

/**
 * The tensors beside a graph that this program wrote; undefined where a folder has no ONNX files. Throws `CompressError` `onnx-foreign` for those of other tools,
 * whose names of weights and whose layouts are their own, and those of `openSafetensors`.
 */
export async function openOnnxData(folder: string): Promise<Checkpoint | undefined> {
  for (const bits of BITS) {
    const name = `${ONNX_FOLDER}/${dataFile(bits)}`;
    const path = await nestedFile(folder, name);
    if (path === undefined) continue;
    try {
      return { ...(await openSafetensors(path)), location: folder };
    } catch (cause) {
      if (!(cause instanceof CompressError) || !OTHER_FILE.includes(cause.code)) throw cause;
      throw foreign(folder, `${name} is damaged or another tool's (${cause.message})`, cause);
    }
  }
  const graph = (await filesOf(join(folder, ONNX_FOLDER))).find((name) => name.endsWith('.onnx'));
  if (graph === undefined) return undefined;
  throw foreign(folder, `Its only weights are ${ONNX_FOLDER}/${graph}, which this program did not write`);
}

async function filesOf(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}

function foreign(file: string, what: string, cause?: unknown): CompressError {
  const message = `${what}: ONNX is read as this program writes it alone, so take the model as safetensors.`;
  return new CompressError('onnx-foreign', message, { file }, { cause });
}
