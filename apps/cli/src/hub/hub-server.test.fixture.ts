import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** Files of a repository by path. Those named `*.safetensors` and `*.bin` are large ones, kept by git LFS. */
export type HubFiles = Readonly<Record<string, string | Buffer>>;

/** A hub on loopback: the part of https://huggingface.co that downloads and uploads meet, as it answers. */
export interface HubServer {
  readonly url: string;
  /** Method, path and what the client showed: `GET /api/... Bearer hf_x`. */
  readonly requests: string[];
  /** What uploads brought: LFS objects by sha256, and the lines of commits by branch. */
  readonly objects: Map<string, Buffer>;
  readonly commits: { readonly branch: string; readonly lines: readonly CommitLine[] }[];
  close(): Promise<void>;
}

export interface CommitLine {
  readonly key: 'header' | 'file' | 'lfsFile';
  readonly value: Readonly<Record<string, unknown>>;
}

/** Answers a request in another way than the hub does; false leaves it to the hub. */
export type Mishap = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

const isLarge = (path: string) => /\.(safetensors|bin)$/.test(path);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const gitHash = (bytes: Buffer) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

export async function startHub(
  repositories: Readonly<Record<string, HubFiles>>,
  { token, mishap = () => false }: { readonly token?: string; readonly mishap?: Mishap } = {},
): Promise<HubServer> {
  const requests: string[] = [];
  const objects = new Map<string, Buffer>();
  const commits: HubServer['commits'] = [];
  const made = new Set(Object.keys(repositories));
  const contents = (repository: string, path: string) => {
    const content = repositories[repository]?.[path];
    return content === undefined ? undefined : Buffer.from(content);
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const path = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname);
    requests.push(`${request.method} ${path} ${request.headers.authorization ?? ''}`.trim());
    if (mishap(request, response, path)) return response;
    const json = (value: unknown, status = 200) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    const writes = request.method !== 'GET' && !path.includes('/paths-info/');
    if (writes && request.headers.authorization !== `Bearer ${token}` && !path.startsWith('/upload/')) {
      return json({ error: 'Invalid username or password.' }, 401);
    }
    const [, repository, what] = /^\/(?:api\/models\/)?([^/]+\/[^/]+?)(?:\.git)?\/(.*)$/.exec(path) ?? [];
    if (request.method === 'GET') return get(repository, what, request, response, json);
    const body = Buffer.concat(await request.toArray());
    if (path === '/api/repos/create') return create(JSON.parse(body.toString()), json);
    if (path.startsWith('/upload/')) {
      objects.set(path.slice('/upload/'.length), body);
      return response.writeHead(200, { ETag: '"x"' }).end();
    }
    if (!made.has(repository)) return json({ error: 'Repository not found' }, 404);
    return post(what, body, json);
  }

  function create({ organization, name }: { organization: string; name: string }, json: Answer): unknown {
    const repository = `${organization}/${name}`;
    if (organization === 'stranger')
      return json({ error: `You don't have the rights to create a model under ${organization}` }, 403);
    if (made.has(repository)) return json({ error: 'You already created this model repo' }, 409);
    made.add(repository);
    return json({ url: `https://hub/${repository}`, id: repository });
  }

  function get(
    repository: string,
    what: string,
    request: IncomingMessage,
    response: ServerResponse,
    json: Answer,
  ): unknown {
    const files = repositories[repository];
    if (files === undefined) return json({ error: 'Repository not found' }, repository.includes('secret') ? 401 : 404);
    if (what.startsWith('revision/')) return json({ _id: '1', id: repository, sha: COMMIT });
    if (what.startsWith('tree/')) {
      const deep = new URL(request.url!, 'http://localhost').searchParams.get('recursive') === 'true';
      const listed = Object.keys(files).filter((name) => deep || !name.includes('/'));
      return json(listed.map((name) => entry(name, contents(repository, name)!)));
    }
    const content = contents(repository, what.replace(`resolve/${COMMIT}/`, ''));
    if (content === undefined) return json({ error: 'Entry not found' }, 404);
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = from > 0 ? { 'Content-Range': `bytes ${from}-${content.length - 1}/${content.length}` } : {};
    return response
      .writeHead(from > 0 ? 206 : 200, { 'Content-Length': content.length - from, ...range })
      .end(content.subarray(from));
  }

  function post(what: string, body: Buffer, json: Answer): unknown {
    const [kind, branch] = what.split(/\/(.*)/);
    if (kind === 'branch') return json({}, 200);
    if (kind === 'preupload') {
      const { files } = JSON.parse(body.toString()) as { files: { path: string }[] };
      return json({
        files: files.map(({ path }) => ({ path, uploadMode: isLarge(path) ? 'lfs' : 'regular', shouldIgnore: false })),
      });
    }
    if (kind === 'info') {
      const { objects: asked } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
      const actions = (oid: string) =>
        objects.has(oid) ? {} : { actions: { upload: { href: `${url}/upload/${oid}` } } };
      return json({ transfer: 'basic', objects: asked.map(({ oid, size }) => ({ oid, size, ...actions(oid) })) });
    }
    const lines = body
      .toString()
      .split('\n')
      .map((line) => JSON.parse(line) as CommitLine);
    commits.push({ branch, lines });
    return json({ success: true, commitOid: COMMIT, commitUrl: `https://hub/commit/${COMMIT}` });
  }

  const server: Server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    objects,
    commits,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

type Answer = (value: unknown, status?: number) => unknown;

function entry(path: string, content: Buffer): object {
  const small = { type: 'file', path, size: content.length, oid: gitHash(content) };
  return isLarge(path) ? { ...small, lfs: { oid: sha256(content), size: content.length, pointerSize: 134 } } : small;
}
