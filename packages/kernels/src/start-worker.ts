/** A running worker, the same in Node and in browsers. */
export interface WorkerHandle {
  post(message: unknown): void;
  /** Whether the worker keeps the process alive; browsers have no such notion. */
  keepAlive(yes: boolean): void;
  terminate(): Promise<void>;
}

/** What a worker tells: its messages, and that it died. */
export interface WorkerEvents {
  message(data: unknown): void;
  failed(error: Error): void;
}

// Both addresses are literal so that bundlers find them. From source the worker is TypeScript, which Node runs as it is.
const entry = import.meta.url.endsWith('.ts')
  ? new URL('./worker.ts', import.meta.url)
  : new URL('./worker.js', import.meta.url);

/** Starts `worker.ts` on a thread of its own. */
export async function startWorker(events: WorkerEvents): Promise<WorkerHandle> {
  return globalThis.process?.versions?.node ? startNodeWorker(events) : startWebWorker(events);
}

async function startNodeWorker(events: WorkerEvents): Promise<WorkerHandle> {
  const { Worker } = await import('node:worker_threads');
  // Not the parent's execArgv: it may hold flags, such as --input-type or --test, that a worker refuses.
  const worker = new Worker(entry, { name: 'compress-kernels', execArgv: [] });
  worker.on('message', events.message);
  worker.on('error', (error) => events.failed(new Error(`a kernel worker died: ${error}`, { cause: error })));
  worker.on('exit', (code) => events.failed(new Error(`a kernel worker ended with exit code ${code}`)));
  return {
    post: (message) => worker.postMessage(message),
    keepAlive: (yes) => (yes ? worker.ref() : worker.unref()),
    async terminate() {
      await worker.terminate();
    },
  };
}

/** The little of the web's Worker that is used here; the types of this package are Node's. */
interface WebWorker {
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: { message: string }) => void) | null;
  postMessage(message: unknown): void;
  terminate(): void;
}

async function startWebWorker(events: WorkerEvents): Promise<WorkerHandle> {
  const { Worker } = globalThis as unknown as { Worker: new (url: URL, options: { type: 'module' }) => WebWorker };
  const worker = new Worker(entry, { type: 'module' });
  worker.onmessage = (event) => events.message(event.data);
  worker.onerror = (event) => events.failed(new Error(`a kernel worker died: ${event.message}`));
  return {
    post: (message) => worker.postMessage(message),
    keepAlive() {},
    async terminate() {
      worker.terminate();
    },
  };
}
