import { CompressError } from '@compress/core';
import type { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';

/** The queue's name and the prefix of its keys: a server may serve others too. */
export const QUEUE = 'bench';
export const PREFIX = 'compress';

/** How long a server may take to answer at first. Once it has answered, any outage is waited for. */
const FIRST_ANSWER_MS = 5000;

/** BullMQ, loaded only here, and a way to connections: each queue and each worker needs one of its own. */
export interface QueueServer {
  readonly bullmq: { readonly Queue: typeof Queue; readonly Worker: typeof Worker } & typeof import('bullmq');
  connect(): Redis;
}

/**
 * Loads BullMQ and proves that a Redis or Valkey server answers. Outages after that are told to `note`, once each, and waited for. Throws
 * `CompressError` `usage`, `queue-missing` or `queue-unreachable`.
 */
export async function connectQueue(url: string, note: (text: string) => void): Promise<QueueServer> {
  if (!/^rediss?:\/\//.test(url)) {
    throw new CompressError('usage', `${url} is no address of a queue; it must begin with redis:// or rediss://.`);
  }
  const [bullmq, ioredis] = await Promise.all([import('bullmq'), import('ioredis')]).catch((cause) => {
    const way = 'install them beside @compress/cli: npm install bullmq ioredis';
    throw new CompressError('queue-missing', `The queue needs the packages bullmq and ioredis; ${way}.`, {}, { cause });
  });
  const probe = new ioredis.Redis(url, {
    lazyConnect: true,
    connectTimeout: FIRST_ANSWER_MS,
    retryStrategy: () => null,
  });
  // What is wrong is in the error of `connect`.
  probe.on('error', () => {});
  try {
    await probe.connect();
    await probe.ping();
  } catch (cause) {
    throw new CompressError(
      'queue-unreachable',
      `No queue answers at ${url}: ${(cause as Error).message}.`,
      {},
      { cause },
    );
  } finally {
    probe.disconnect();
  }
  let away = false;
  return {
    bullmq,
    connect() {
      const connection = new ioredis.Redis(url, { maxRetriesPerRequest: null });
      connection.on('error', (error) => {
        if (!away) note(`The queue at ${url} is away (${error.message}); waiting for it.`);
        away = true;
      });
      connection.on('ready', () => {
        if (away) note(`The queue at ${url} is back.`);
        away = false;
      });
      return connection;
    },
  };
}
