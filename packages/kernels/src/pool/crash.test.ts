import { expect, test, vi } from 'vitest';
import type { WorkerEvents } from '../start-worker.ts';
import { randomNumbers } from '../testing/random.ts';
import { compile } from '../wasm/compile.ts';
import { createPool } from './pool.ts';

// A worker that starts and then dies of its first job.
vi.mock('../start-worker.ts', () => ({
  startWorker: async (events: WorkerEvents) => ({
    post(message: object) {
      if ('module' in message) events.message({ ready: true });
      else queueMicrotask(() => events.failed(new Error('a kernel worker died: out of memory')));
    },
    keepAlive() {},
    async terminate() {},
  }),
}));

test('when a worker dies its operation and all later ones are rejected', async () => {
  const pool = await createPool(await compile('fma'), 2);
  const random = randomNumbers(1).matrix;
  const params = { input: random(256, 256), weight: random(256, 256), output: random(256, 256) };
  await expect(pool.run('linear', params)).rejects.toThrow('a kernel worker died: out of memory');
  await expect(pool.run('linear', params)).rejects.toThrow('a kernel worker died: out of memory');
  await pool.close();
});
