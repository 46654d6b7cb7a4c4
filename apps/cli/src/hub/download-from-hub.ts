import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CompressError } from '@compress/core';
import { fetchBlob, type HubFile } from './fetch-blob.ts';
import { type Environment, hubAccess, isSet } from './hub-access.ts';
import { hubError } from './hub-error.ts';
import { linkBlob } from './link-blob.ts';

export interface HubRequest {
  /** `owner/name` */
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`; the cache's place follows `HF_HUB_CACHE` and `HF_HOME` as in Python. */
  readonly environment: Environment;
  /** As {@link fetchBlob} has it. */
  readonly patience?: number;
  /** Told of each file that is fetched, and of what breaks off. */
  note(text: string): void;
}

/** What goes with weights: configuration, tokenizer, chat template, licence, the model's card. */
const SMALL = /^([^/]+\.(json|jinja|model|txt|tiktoken)|(LICENSE|LICENCE|NOTICE|USE_POLICY)[^/]*|README\.md)$/i;
/** Weights in order of preference: of the same ones in several formats, only one is fetched. */
const WEIGHTS = [/^[^/]+\.safetensors$/, /^pytorch_model[^/]*\.bin$/];
/** A graph and its tensors as this program writes them, which is the only ONNX that is read; beside it lies a manifest. */
const ONNX = /^onnx\/model_(q2|q4|quantized)\.onnx(_data)?$/;
const MANIFEST = 'manifest.json';
/** Names of commits and blobs become names of files. */
const OBJECT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/**
 * A snapshot of a repository in the cache that Python's huggingface_hub uses too; files that are there already are not fetched again, each is proven by
 * the hash that the hub lists, and what broke off goes on where it stood. With `HF_HUB_OFFLINE=1` only the cache is looked at. Throws
 * `CompressError` `hub-unreachable`, `hub-refused`, `hub-incomplete`, `hub-corrupt`.
 */
export async function downloadFromHub(request: HubRequest): Promise<string> {
  const { repository, revision, environment } = request;
  const hub = await import('@huggingface/hub');
  const cache = join(hub.getHFHubCachePath(), hub.getRepoFolderName({ name: repository, type: 'model' }));
  if (isSet(environment.HF_HUB_OFFLINE)) return findInCache(cache, repository, revision);

  const access = await hubAccess(environment);
  const { hubUrl, accessToken } = access;
  try {
    const { sha } = await hub.modelInfo({ name: repository, revision, additionalFields: ['sha'], ...access });
    if (!OBJECT.test(sha)) throw new CompressError('hub-corrupt', `${hubUrl} names a commit ${JSON.stringify(sha)}.`);
    if (sha !== revision) {
      const reference = join(cache, 'refs', revision);
      await mkdir(dirname(reference), { recursive: true });
      await writeFile(reference, sha);
    }
    const listed: HubFile[] = [];
    for await (const entry of hub.listFiles({ repo: repository, revision: sha, recursive: true, ...access })) {
      if (entry.type === 'file')
        listed.push({ path: entry.path, size: entry.size, hash: entry.lfs?.oid ?? entry.oid ?? '' });
    }
    const snapshot = join(cache, 'snapshots', sha);
    for (const file of wantedFiles(repository, listed)) {
      const pointer = join(snapshot, file.path);
      if (await exists(pointer)) continue;
      if (!OBJECT.test(file.hash))
        throw new CompressError('hub-corrupt', `${hubUrl} lists ${file.path} without its hash.`);
      const blob = join(cache, 'blobs', file.hash);
      if (!(await exists(blob))) {
        request.note(`Fetching ${repository}/${file.path} from ${hubUrl}`);
        await mkdir(dirname(blob), { recursive: true });
        const path = file.path.split('/').map(encodeURIComponent).join('/');
        const url = `${hubUrl}/${repository}/resolve/${sha}/${path}`;
        await fetchBlob({ ...request, url, accessToken, file, blob });
      }
      await linkBlob(blob, pointer);
    }
    return snapshot;
  } catch (cause) {
    throw hubError(cause, { asked: `${repository}@${revision}`, doing: 'read', access });
  }
}

/** Those that a model consists of. Throws `CompressError` `hub-incomplete`. */
function wantedFiles(repository: string, files: readonly HubFile[]): HubFile[] {
  const has = (name: string) => files.some(({ path }) => path === name);
  const kinds = has(MANIFEST) ? [...WEIGHTS, ONNX] : WEIGHTS;
  const weights = kinds.map((kind) => files.filter(({ path }) => kind.test(path))).find((found) => found.length > 0);
  if (weights === undefined || !has('config.json')) {
    throw new CompressError(
      'hub-incomplete',
      `${repository} has no config.json with safetensors or pytorch_model.bin beside it at its top level; other weight formats are not read, but for ONNX that this program wrote.`,
    );
  }
  return files.filter((file) => weights.includes(file) || SMALL.test(file.path));
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

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
