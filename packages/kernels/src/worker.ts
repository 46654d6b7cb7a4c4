/** The entry of a worker thread: takes a compiled module, then runs its share of every job it is sent. */
import type { Operation } from './operations/operation.ts';
import { operations } from './operations/registry.ts';
import { createHeldBuffers } from './pool/buffer-handles.ts';
import type { Done, Job, Release, Start } from './pool/messages.ts';
import { runParts } from './pool/run-parts.ts';
import { type Instance, instantiate } from './wasm/instance.ts';

interface Port {
  postMessage(message: unknown): void;
  listen(listener: (data: Start | Job | Release) => void): void;
}

async function openPort(): Promise<Port> {
  if (globalThis.process?.versions?.node) {
    const { parentPort } = await import('node:worker_threads');
    if (!parentPort) throw new Error('worker.ts was started on the main thread');
    return {
      postMessage: (message) => parentPort.postMessage(message),
      listen: (listener) => parentPort.on('message', listener),
    };
  }
  const self = globalThis as unknown as {
    postMessage(message: unknown): void;
    onmessage: (event: { data: Start | Job | Release }) => void;
  };
  return {
    postMessage: (message) => self.postMessage(message),
    listen: (listener) => {
      self.onmessage = (event) => listener(event.data);
    },
  };
}

const registry: Readonly<Record<string, Operation<never>>> = operations;
const held = createHeldBuffers();
let instance: Instance;

function run(job: Job): Done {
  held.hold(job.buffers);
  try {
    runParts(instance, registry[job.operation] as Operation<unknown>, held.decode(job.params), job.division);
    return { id: job.id };
  } catch (error) {
    return { id: job.id, error };
  }
}

const port = await openPort();
port.listen(async (message) => {
  if ('module' in message) {
    instance = await instantiate(message.module);
    port.postMessage({ ready: true });
  } else if ('release' in message) {
    held.release(message.release);
  } else {
    port.postMessage(run(message));
  }
});
