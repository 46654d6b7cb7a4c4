import { createRequire } from 'node:module';
import type { Peer } from './peer.ts';

/** The peer where OpenBLAS is missing: the native MatMul of onnxruntime. It has no other of our kernels. */
export async function onnxruntime(threads: number): Promise<Peer> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  const session = await InferenceSession.create(matMulModel(), { intraOpNumThreads: threads });
  return {
    name: `onnxruntime-node ${version}`,
    async seconds(command) {
      const [operation, m, n, k] = command.split(' ');
      if (operation !== 'gemm') return undefined;
      const feeds = {
        a: new Tensor('float32', new Float32Array(Number(m) * Number(k)).fill(0.5), [Number(m), Number(k)]),
        b: new Tensor('float32', new Float32Array(Number(k) * Number(n)).fill(0.5), [Number(k), Number(n)]),
      };
      const start = performance.now();
      await session.run(feeds);
      return (performance.now() - start) / 1000;
    },
    close() {},
  };
}

/** A model with one node, c = MatMul(a, b), written as the protobuf of onnx.proto3 by field numbers. */
function matMulModel(): Uint8Array {
  const text = (value: string) => [...new TextEncoder().encode(value)];
  const bytes = (field: number, value: number[]) => [(field << 3) | 2, value.length, ...value];
  const integer = (field: number, value: number) => [field << 3, value];
  const unknownSide = bytes(1, []);
  const float32 = 1;
  const type = bytes(1, [...integer(1, float32), ...bytes(2, [...unknownSide, ...unknownSide])]);
  const value = (name: string) => [...bytes(1, text(name)), ...bytes(2, type)];
  const node = [...bytes(1, text('a')), ...bytes(1, text('b')), ...bytes(2, text('c')), ...bytes(4, text('MatMul'))];
  const graph = [
    ...bytes(1, node),
    ...bytes(2, text('product')),
    ...bytes(11, value('a')),
    ...bytes(11, value('b')),
    ...bytes(12, value('c')),
  ];
  return Uint8Array.from([...integer(1, 8), ...bytes(7, graph), ...bytes(8, integer(2, 17))]);
}
