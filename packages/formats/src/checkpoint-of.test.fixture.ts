import type { Checkpoint, TensorSource } from '@compress/core';

/** Tensors in memory as a checkpoint, for tests. */
export async function checkpointOf(sources: readonly TensorSource[]): Promise<Checkpoint> {
  const data = new Map<string, Uint8Array>();
  for (const source of sources) data.set(source.name, await wholeBytes(source));
  return {
    tensors: new Map(sources.map(({ bytes: _, ...info }) => [info.name, info])),
    location: 'memory',
    files: [],
    read: async (name, range) => data.get(name)!.slice(range?.start, range?.end),
    close: async () => {},
  };
}

export async function wholeBytes(source: TensorSource): Promise<Uint8Array> {
  const bytes = source.bytes();
  if (!(bytes instanceof Promise)) throw new Error('formats make their bytes whole');
  return bytes;
}

export async function readFloats(checkpoint: Checkpoint, name: string, range?: { start: number; end: number }) {
  return new Float32Array((await checkpoint.read(name, range)).slice().buffer);
}
