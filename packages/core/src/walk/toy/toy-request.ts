import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createReferenceKernels } from '@compress/kernels';
import type { Algorithm } from '../../algorithm/algorithm.ts';
import { openCheckpoint } from '../../checkpoint/open-checkpoint.ts';
import { RUN_FILE } from '../../manifest/manifest.ts';
import type { CompressRequest } from '../request.ts';
import { toyQuantize } from './toy-algorithms.ts';
import { toyCalibration } from './toy-folder.ts';
import { toyCodes } from './toy-formats.ts';
import { toyModel } from './toy-model.ts';

/** One step with its options as a recipe gives them. */
export function step<Options>(algorithm: Algorithm<Options>, options: unknown = {}) {
  return { algorithm: algorithm as Algorithm, options: algorithm.options.parse(options) };
}

/** A request to compress the toy model of a folder; anything of it may be changed. The caller closes its checkpoint. */
export async function toyRequest(
  source: string,
  output: string,
  change: Partial<CompressRequest> = {},
): Promise<CompressRequest> {
  return {
    model: toyModel(),
    source,
    output,
    pipeline: [step(toyQuantize)],
    format: toyCodes,
    calibration: toyCalibration(),
    kernels: createReferenceKernels(),
    seed: 1,
    strict: false,
    activationMemory: Number.POSITIVE_INFINITY,
    recipe: { pipeline: ['toy-quantize'] },
    versions: { '@compress/core': 'test' },
    ...change,
    checkpoint: change.checkpoint ?? (await openCheckpoint(source)),
  };
}

/** sha256 of every file that must be the same whenever the same work is done. */
export async function hashFolder(folder: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const file of (await readdir(folder)).sort())
    if (file !== RUN_FILE)
      hashes[file] = createHash('sha256')
        .update(await readFile(join(folder, file)))
        .digest('hex');
  return hashes;
}
