import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CompressError, MANIFEST_FILE, type Manifest } from '@compress/core';
import { type Environment, type HubAccess, hubAccess } from './hub-access.ts';
import { hubError } from './hub-error.ts';

/** A file that goes up. */
export interface PushedFile {
  readonly file: string;
  readonly bytes: number;
}

export interface PushRequest {
  /** An output folder that was verified against `manifest`. */
  readonly folder: string;
  /** `owner/name`; made if it is not there. */
  readonly repository: string;
  /** A branch; made if it is not there. */
  readonly revision: string;
  /** A repository that is made is private; one that is there stays as it is. */
  readonly private: boolean;
  readonly files: readonly PushedFile[];
  readonly environment: Environment;
  readonly signal: AbortSignal;
  /** Told how far each file is: 0..1. */
  onProgress(file: string, share: number): void;
}

/** What the hub made of it. */
export interface PushResult {
  readonly url: string;
  readonly commit: string;
}

const MAIN = 'main';
/** The hub's answer to making what is there. */
const CONFLICT = 409;

/** What of an output folder goes up: all that its manifest lists, the manifest, and the report. Not times and machine of the run, which are nobody's business. */
export async function pushedFiles(folder: string, manifest: Manifest): Promise<PushedFile[]> {
  const names = [...Object.keys(manifest.outputs), MANIFEST_FILE, 'report.html'];
  const files: PushedFile[] = [];
  for (const file of names) {
    const bytes = await stat(join(folder, file)).then(
      ({ size }) => size,
      () => undefined,
    );
    if (bytes !== undefined) files.push({ file, bytes });
  }
  return files;
}

/**
 * Uploads files of a folder to a model repository of the hub as one commit, large ones through git LFS. Throws `CompressError` `hub-token-missing` before
 * anything is asked, `hub-refused`, `hub-unreachable`.
 */
export async function pushFolder(request: PushRequest): Promise<PushResult> {
  const { repository, revision, folder, files, signal } = request;
  const access = await hubAccess(request.environment);
  const { hubUrl, accessToken } = access;
  if (accessToken === undefined) {
    throw new CompressError(
      'hub-token-missing',
      `To write to ${hubUrl} takes a token: set HF_TOKEN, or log in with hf auth login.`,
    );
  }
  const hub = await import('@huggingface/hub');
  const repo = { type: 'model', name: repository } as const;
  try {
    await unlessThere(hub.createRepo({ repo, accessToken, hubUrl, ...(request.private && { visibility: 'private' }) }));
    if (revision !== MAIN) await unlessThere(hub.createBranch({ repo, branch: revision, accessToken, hubUrl }));
    const operations = files.map(({ file }) => ({
      operation: 'addOrUpdate' as const,
      path: file,
      content: pathToFileURL(join(folder, file)),
    }));
    const title = 'Compressed with Compress';
    const steps = hub.commitIter({
      repo,
      branch: revision,
      title,
      operations,
      abortSignal: signal,
      accessToken,
      hubUrl,
    });
    for (let step = await steps.next(); ; step = await steps.next()) {
      if (step.done) return result(step.value, access, request);
      if (step.value.event === 'fileProgress') request.onProgress(step.value.path, step.value.progress);
    }
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw hubError(cause, { asked: `${repository}@${revision}`, doing: 'written', access });
  }
}

function result(
  output: { readonly commit: { readonly oid: string } } | undefined,
  { hubUrl }: HubAccess,
  { repository, revision }: PushRequest,
): PushResult {
  const url =
    revision === MAIN ? `${hubUrl}/${repository}` : `${hubUrl}/${repository}/tree/${encodeURIComponent(revision)}`;
  return { url, commit: output?.commit.oid ?? '' };
}

async function unlessThere(making: Promise<unknown>): Promise<void> {
  await making.catch((error) => {
    if ((error as { statusCode?: number }).statusCode !== CONFLICT) throw error;
  });
}
