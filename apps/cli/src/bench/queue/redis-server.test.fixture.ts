import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The server's program, if this machine has one. */
export const REDIS = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);

/** A server on loopback that writes everything down before it answers. */
export interface TestServer {
  readonly url: string;
  /** Without a warning, as a power cut would. */
  kill(): Promise<void>;
  /** Again at the same address, with what was written down. */
  restart(): Promise<void>;
}

export async function startRedis(folder: string): Promise<TestServer> {
  const port = await freePort();
  let server = await start(port, folder);
  return {
    url: `redis://127.0.0.1:${port}`,
    async kill() {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
    },
    async restart() {
      server = await start(port, folder);
    },
  };
}

async function start(port: number, folder: string): Promise<ChildProcess> {
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const server = spawn(REDIS!, ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, ...durable], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let told = '';
  for await (const text of server.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    told += text;
    if (told.includes('Ready to accept connections')) break;
  }
  if (!told.includes('Ready')) throw new Error(told);
  server.stdout.resume();
  return server;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  return port;
}
