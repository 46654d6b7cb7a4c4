import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kernels } from '@compress/kernels';
import type { Algorithm } from '../algorithm/algorithm.ts';
import { compress } from '../walk/compress.ts';
import type { RunEvent } from '../walk/run-event.ts';
import { writeToyFolder } from '../walk/toy/toy-folder.ts';
import { toyDense } from '../walk/toy/toy-formats.ts';
import { toyModel } from '../walk/toy/toy-model.ts';
import { hashFolder, toyRequest } from '../walk/toy/toy-request.ts';
import type { ConformanceRequest } from './case.ts';

/** Columns that every group size of a conformance test divides. */
const SIZE = { hidden: 128, inner: 128, vocabulary: 20, blocks: 2 };

/** Runs an algorithm through the whole walk over a toy model: without a break, and stopped amid each block and started again. */
export function walkProof({
  createKernels,
}: Pick<ConformanceRequest<unknown>, 'createKernels'>): NonNullable<ConformanceRequest<unknown>['walk']> {
  return {
    uninterrupted: (algorithm, options) => hashOfRun(algorithm, options, createKernels, []),
    killedAndResumed: (algorithm, options) =>
      hashOfRun(algorithm, options, createKernels, ['blocks.0.inner', 'blocks.1.inner']),
  };
}

/** A transform treats a section's sites all at once, and reports its layers then. */
function isAt(site: string, event: RunEvent, { section }: Algorithm): boolean {
  if (section) return event.type === 'layer' && site.startsWith(event.layer.replace(/[^.]+$/, ''));
  return event.type === 'site' && event.site === site;
}

/** `stops` are the sites at which one life of the run after the other ends. */
async function hashOfRun<Options>(
  algorithm: Algorithm<Options>,
  options: Options,
  createKernels: (threads: number) => Promise<Kernels>,
  stops: readonly string[],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'compress-conformance-'));
  const kernels = await createKernels(1);
  const [source, output] = [join(folder, 'model'), join(folder, 'output')];
  await writeToyFolder(source, undefined, SIZE);
  const request = await toyRequest(source, output, {
    model: toyModel(SIZE),
    pipeline: [{ algorithm: algorithm as Algorithm, options }],
    format: toyDense,
    kernels,
  });
  try {
    for (const stop of stops) {
      const abort = new AbortController();
      const onEvent = (event: RunEvent) => isAt(stop, event, algorithm as Algorithm) && abort.abort();
      await compress({ ...request, onEvent, signal: abort.signal }).then(
        () => Promise.reject(new Error(`the run was not stopped at ${stop}`)),
        (error: unknown) => (abort.signal.aborted ? undefined : Promise.reject(error)),
      );
    }
    await compress(request);
    return createHash('sha256')
      .update(JSON.stringify(await hashFolder(output)))
      .digest('hex');
  } finally {
    await request.checkpoint.close();
    await kernels.close();
    await rm(folder, { recursive: true });
  }
}
