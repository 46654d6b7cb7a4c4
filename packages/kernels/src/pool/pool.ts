import type { Matrix } from '../matrix.ts';
import type { Operation } from '../operations/operation.ts';
import { type OperationName, type OperationParams, operations } from '../operations/registry.ts';
import { startWorker, type WorkerHandle } from '../start-worker.ts';
import { type Instance, instantiate } from '../wasm/instance.ts';
import type { WasmModule } from '../wasm/web-assembly.ts';
import { createBufferHandles } from './buffer-handles.ts';
import { divide } from './claim-part.ts';
import type { Done, Job, Release } from './messages.ts';
import { runParts, runWhole } from './run-parts.ts';
import { share } from './share.ts';

/** Runs operations on `threads` threads: the calling one and `threads - 1` workers. */
export interface Pool {
  readonly threads: number;
  run<N extends OperationName>(name: N, params: OperationParams<N>): Promise<void>;
  /** Works on a matrix in several runs, in a form that none of them has to copy; the caller's own matrix is changed at the end. */
  shared<T>(matrix: Matrix, work: (matrix: Matrix) => Promise<T>): Promise<T>;
  /** Ends the workers. Idempotent; operations still under way are rejected. */
  close(): Promise<void>;
}

/** Below this many arithmetic operations a message to a worker (some 50 microseconds) costs more than it saves. */
const SMALL = 4_000_000;

/** Starts a pool around a compiled build. */
export async function createPool(module: WasmModule, threads: number): Promise<Pool> {
  const instance = await instantiate(module);
  const crew = await startCrew(module, threads - 1);
  let closed = false;

  return {
    threads,
    async run(name, params) {
      if (closed) throw new Error(`kernels: ${name} was called after close()`);
      const operation = operations[name] as Operation<typeof params>;
      operation.check(params);
      if (operation.units(params) === 0) return;
      if (crew.size === 0 || operation.work(params) < SMALL) {
        runWhole(instance, operation, params);
        return;
      }
      const shared = share(params, operation.writes(params));
      const division = divide(operation, params, threads);
      await runTogether(instance, crew, operation, { operation: name, params: shared.params, division });
      shared.copyBack();
    },
    async shared(matrix, work) {
      if (crew.size === 0) return work(matrix);
      const { params, copyBack } = share({ matrix }, [matrix.data]);
      const result = await work(params.matrix);
      copyBack();
      return result;
    },
    async close() {
      closed = true;
      await crew.close();
    },
  };
}

async function runTogether<P>(instance: Instance, crew: Crew, operation: Operation<P>, job: Task): Promise<void> {
  const others = crew.send(job);
  try {
    runParts(instance, operation, job.params as P, job.division);
  } catch (error) {
    // The arrays are the workers' until they are done with them.
    await others.catch(() => {});
    throw error;
  }
  await others;
}

/** A job as the calling thread has it: its arrays are its own. */
type Task = Omit<Job, 'id' | 'buffers'>;

/** The workers, as one correspondent. */
interface Crew {
  readonly size: number;
  /** Sends a job to every worker; resolves when all are done with it. */
  send(job: Task): Promise<void>;
  close(): Promise<void>;
}

async function startCrew(module: WasmModule, size: number): Promise<Crew> {
  const pending = new Map<number, { waiting: number; errors: unknown[]; settle: PromiseWithResolvers<void> }>();
  const workers: WorkerHandle[] = [];
  let dead: Error | undefined;
  let lastId = 0;

  const post = (message: Job | Release) => {
    for (const worker of workers) worker.post(message);
  };
  const encode = createBufferHandles((release) => post({ release }));
  const keepAlive = (yes: boolean) => {
    for (const worker of workers) worker.keepAlive(yes);
  };
  const finish = ({ id, error }: Done) => {
    const job = pending.get(id);
    if (!job) return;
    if (error !== undefined) job.errors.push(error);
    if (--job.waiting > 0) return;
    pending.delete(id);
    if (pending.size === 0) keepAlive(false);
    if (job.errors.length > 0) job.settle.reject(job.errors[0]);
    else job.settle.resolve();
  };
  const bury = (error: Error) => {
    dead ??= error;
    for (const job of pending.values()) job.settle.reject(dead);
    pending.clear();
  };

  const start = async () => {
    const ready = Promise.withResolvers<void>();
    const worker = await startWorker({
      message: (data) => ('ready' in (data as object) ? ready.resolve() : finish(data as Done)),
      failed: (error) => {
        ready.reject(error);
        bury(error);
      },
    });
    workers.push(worker);
    worker.post({ module });
    await ready.promise;
  };
  await Promise.all(Array.from({ length: size }, start));
  keepAlive(false);

  return {
    size,
    send(job) {
      if (dead) return Promise.reject(dead);
      const settle = Promise.withResolvers<void>();
      const id = ++lastId;
      pending.set(id, { waiting: size, errors: [], settle });
      keepAlive(true);
      post({ ...job, ...encode(job.params), id });
      // The calling thread looks at the promise only after its own part.
      settle.promise.catch(() => {});
      return settle.promise;
    },
    async close() {
      bury(new Error('kernels: closed while an operation was under way'));
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
