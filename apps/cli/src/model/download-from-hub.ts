import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CompressError } from '@compress/core';

export interface HubRequest {
  /** `owner/name` */
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`; the cache's place follows `HF_HUB_CACHE` and `HF_HOME` as in Python. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told of each file that is fetched. */
  note(text: string): void;
}

/** What a model consists of: not the same weights again in other formats (pytorch_model.bin, onnx/, gguf). */
const WANTED = /^[^/]+\.(safetensors|json|jinja|model|txt)$/;

/**
 * A snapshot of a repository in the cache that Python's huggingface_hub uses too; files that are there already are not fetched again. With
 * `HF_HUB_OFFLINE=1` only the cache is looked at. Throws `CompressError` `hub-unreachable`, `hub-refused` or `hub-incomplete`.
 */
export async function downloadFromHub({ repository, revision, environment, note }: HubRequest): Promise<string> {
  const hub = await import('@huggingface/hub');
  const cache = join(hub.getHFHubCachePath(), hub.getRepoFolderName({ name: repository, type: 'model' }));
  if (isSet(environment.HF_HUB_OFFLINE)) return findInCache(cache, repository, revision);

  const hubUrl = (environment.HF_ENDPOINT ?? hub.HUB_URL).replace(/\/$/, '');
  const token = environment.HF_TOKEN;
  const access = { hubUrl, ...(token === undefined || token === '' ? {} : { accessToken: token }) };
  try {
    const { sha } = await hub.modelInfo({ name: repository, revision, additionalFields: ['sha'], ...access });
    if (sha !== revision) {
      const reference = join(cache, 'refs', revision);
      await mkdir(dirname(reference), { recursive: true });
      await writeFile(reference, sha);
    }
    const paths: string[] = [];
    for await (const entry of hub.listFiles({ repo: repository, revision: sha, ...access })) {
      if (entry.type === 'file' && WANTED.test(entry.path)) paths.push(entry.path);
    }
    requireModel(repository, paths);
    const snapshot = join(cache, 'snapshots', sha);
    for (const path of paths) {
      if (!(await exists(join(snapshot, path)))) note(`Fetching ${repository}/${path} from ${hubUrl}`);
      await hub.downloadFileToCacheDir({ repo: repository, path, revision: sha, ...access });
    }
    return snapshot;
  } catch (cause) {
    throw explain(cause, { repository, revision, hubUrl, hasToken: token !== undefined });
  }
}

async function findInCache(cache: string, repository: string, revision: string): Promise<string> {
  const commit = await readFile(join(cache, 'refs', revision), 'utf8').catch(() => revision);
  const snapshot = join(cache, 'snapshots', commit.trim());
  if (await exists(join(snapshot, 'config.json'))) return snapshot;
  throw new CompressError(
    'hub-incomplete',
    `${repository}@${revision} is not in the cache (${cache}) and HF_HUB_OFFLINE forbids fetching it.`,
  );
}

function requireModel(repository: string, paths: readonly string[]): void {
  if (paths.includes('config.json') && paths.some((path) => path.endsWith('.safetensors'))) return;
  throw new CompressError(
    'hub-incomplete',
    `${repository} has no config.json with safetensors beside it at its top level; other weight formats are not read.`,
  );
}

function explain(
  cause: unknown,
  {
    repository,
    revision,
    hubUrl,
    hasToken,
  }: { repository: string; revision: string; hubUrl: string; hasToken: boolean },
): Error {
  if (cause instanceof CompressError) return cause;
  if (!(cause instanceof Error)) return new Error(String(cause));
  const status = (cause as { statusCode?: number }).statusCode;
  const asked = `${repository}@${revision}`;
  if (status === 401 || status === 403) {
    const way = hasToken ? 'HF_TOKEN has no right to it' : 'set HF_TOKEN if it is private or gated';
    return new CompressError(
      'hub-refused',
      `${hubUrl} refuses ${asked} (${status}): check the name, and ${way}.`,
      {},
      { cause },
    );
  }
  if (status === 404) {
    return new CompressError(
      'hub-refused',
      `${hubUrl} knows no ${asked}: check the name and the revision.`,
      {},
      { cause },
    );
  }
  const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
  return new CompressError(
    'hub-unreachable',
    `${asked} cannot be fetched from ${hubUrl}: ${reason}. Without network, give a folder, or set HF_HUB_OFFLINE=1 if the cache has it.`,
    {},
    { cause },
  );
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'no', 'off'].includes(value.toLowerCase());
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
