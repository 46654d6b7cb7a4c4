import { createHash } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { CompressError, sha256OfFile } from '@compress/core';

/** A file of the hub as its listing describes it. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** Hex: the sha256 of a large file, git's object name (sha1) of a small one. It is also the name of the blob in the cache. */
  readonly hash: string;
}

export interface BlobRequest {
  readonly url: string;
  readonly accessToken?: string | undefined;
  readonly file: HubFile;
  /** Where it goes; what has come of it waits in `<blob>.incomplete`, as Python's huggingface_hub leaves it. */
  readonly blob: string;
  /** Milliseconds before the second attempt, twice as many before each after it. */
  readonly patience?: number;
  /** Told of each attempt that broke off. */
  note(text: string): void;
}

/** The hub answered with a status that another attempt would not change. */
class Refusal extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, url: string) {
    super(`status ${statusCode} of ${url}`);
    this.statusCode = statusCode;
  }
}

/** Attempts in a row in which not a byte came. */
const ATTEMPTS = 5;
const SHA256_HEX = 64;

/**
 * Fetches one file: from where an earlier attempt broke off, again and again as long as bytes come, and proves it by its hash before it takes its name.
 * Throws an error with the `statusCode` that the hub refused with, and `CompressError` `hub-corrupt`, `hub-unreachable`.
 */
export async function fetchBlob(request: BlobRequest): Promise<void> {
  const { file, blob } = request;
  const incomplete = `${blob}.incomplete`;
  const resumed = (await sizeOf(incomplete)) > 0;
  await fetchAll(request, incomplete);
  if (await isWhole(incomplete, file)) return rename(incomplete, blob);
  await rm(incomplete);
  // What an earlier download left may be of another time; what has come just now may not.
  if (resumed) return fetchBlob(request);
  throw new CompressError(
    'hub-corrupt',
    `What came of ${file.path} is not what the hub lists (${file.hash}): fetch it again, or without what stands between.`,
    { file: request.url },
  );
}

async function fetchAll(request: BlobRequest, incomplete: string): Promise<void> {
  const { file, url, note, patience = 1000 } = request;
  let failures = 0;
  for (let have = await sizeOf(incomplete); have !== file.size || file.size === 0; have = await sizeOf(incomplete)) {
    if (have > file.size) await rm(incomplete);
    const before = have > file.size ? 0 : have;
    const broken = await fetchFrom(request, incomplete, before).catch((error: Error) => error);
    if (broken instanceof Refusal) throw broken;
    if (broken === undefined && file.size === 0) return;
    failures = (await sizeOf(incomplete)) > before ? 0 : failures + 1;
    if (failures === ATTEMPTS) {
      const why = broken?.cause instanceof Error ? broken.cause.message : (broken?.message ?? 'nothing came');
      throw new CompressError(
        'hub-unreachable',
        `It broke off ${ATTEMPTS} times in a row: ${why}. Try again.`,
        { file: url },
        { cause: broken },
      );
    }
    if (broken === undefined) continue;
    note(`${file.path} broke off at byte ${await sizeOf(incomplete)} of ${file.size}; going on`);
    await pause(patience * 2 ** failures);
  }
}

/** One attempt. What came of it is in the file, whatever becomes of the rest. */
async function fetchFrom({ url, accessToken }: BlobRequest, incomplete: string, from: number): Promise<undefined> {
  const headers = {
    // Positions are those of the file as it is.
    'Accept-Encoding': 'identity',
    ...(accessToken !== undefined && { Authorization: `Bearer ${accessToken}` }),
    ...(from > 0 && { Range: `bytes=${from}-` }),
  };
  const response = await fetch(url, { headers });
  if (response.status >= 400 && response.status < 500 && response.status !== 408 && response.status !== 429) {
    throw new Refusal(response.status, url);
  }
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  // A server that does not know ranges begins anew.
  const file = await open(incomplete, from > 0 && response.status === 206 ? 'a' : 'w');
  try {
    for await (const piece of response.body) await file.write(piece);
  } finally {
    await file.close();
  }
}

async function isWhole(path: string, { hash }: HubFile): Promise<boolean> {
  if (hash.length === SHA256_HEX) return (await sha256OfFile(path)) === hash;
  const bytes = await readFile(path);
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex') === hash;
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
