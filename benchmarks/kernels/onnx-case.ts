import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeModel, type OnnxModel, type OnnxNode, type OnnxValue } from './onnx-model.ts';

/** An input or output: its shape and, for inputs, its elements. */
export interface Operand {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array | Int32Array | BigInt64Array | Uint16Array;
}

/** Operators of onnxruntime on named operands; those that a node produces and no other takes are the outputs. */
export interface OnnxCase {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: Readonly<Record<string, Operand>>;
  readonly outputs: Readonly<Record<string, { readonly type: OnnxValue['type']; readonly shape: readonly number[] }>>;
}

/** Loads a case on `threads` threads; each call of what is returned runs it once. */
export async function loadOnnx({ nodes, inputs, outputs }: OnnxCase, threads: number): Promise<() => Promise<unknown>> {
  const model: OnnxModel = {
    nodes,
    inputs: Object.entries(inputs).map(([name, { data, shape }]) => ({ name, shape, type: typeOf(data) })),
    outputs: Object.entries(outputs).map(([name, value]) => ({ name, ...value })),
  };
  const session = await InferenceSession.create(encodeModel(model), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape }]) => [name, new Tensor(typeOf(data), data, [...shape])]),
  );
  return () => session.run(feeds);
}

function typeOf(data: Operand['data']): OnnxValue['type'] {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Int32Array) return 'int32';
  return data instanceof BigInt64Array ? 'int64' : 'float16';
}
