import { mkdir, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { runServer } from 'verdaccio';

/** A registry of our own packages alone, on loopback; it stores under `folder`. */
export interface Registry {
  readonly url: string;
  /** The lines of an .npmrc that take our scope from here and everything else from where it always comes. */
  readonly npmrc: string;
  close(): Promise<void>;
}

/** Starts verdaccio on a free port, open to everybody who can reach loopback. */
export async function startRegistry(folder: string): Promise<Registry> {
  await mkdir(folder, { recursive: true });
  const config = join(folder, 'config.yaml');
  await writeFile(
    config,
    `storage: ${join(folder, 'storage')}
auth: { htpasswd: { file: ${join(folder, 'htpasswd')} } }
packages: { '@compress/*': { access: $all, publish: $all } }
max_body_size: 64mb # the app carries its demo model
log: { type: stdout, level: fatal }
`,
  );
  const server: Server = await runServer(config);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    npmrc: `@compress:registry=http://127.0.0.1:${port}/\n//127.0.0.1:${port}/:_authToken=anybody\n`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
