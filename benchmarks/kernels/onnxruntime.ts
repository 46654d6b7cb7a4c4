import { createRequire } from 'node:module';
import { loadOnnx } from './onnx-case.ts';
import type { Peer } from './peer.ts';

/** The peer of the linear algebra where OpenBLAS is missing: the native MatMul of onnxruntime. It has no other of these kernels. */
export async function onnxruntime(threads: number): Promise<Peer> {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  const loaded = new Map<string, () => Promise<unknown>>();
  return {
    name: `onnxruntime-node ${version}`,
    async seconds(command) {
      const [operation, ...sizes] = command.split(' ');
      if (operation !== 'gemm') return undefined;
      const run = loaded.get(command) ?? (await loadMatMul(sizes.map(Number), threads));
      loaded.set(command, run);
      const start = performance.now();
      await run();
      return (performance.now() - start) / 1000;
    },
    close() {},
  };
}

function loadMatMul([m, n, k]: number[], threads: number) {
  return loadOnnx(
    {
      nodes: [{ operator: 'MatMul', inputs: ['a', 'b'], outputs: ['c'] }],
      inputs: {
        a: { shape: [m, k], data: new Float32Array(m * k).fill(0.5) },
        b: { shape: [k, n], data: new Float32Array(k * n).fill(0.5) },
      },
      outputs: { c: { type: 'float32', shape: [m, n] } },
    },
    threads,
  );
}
