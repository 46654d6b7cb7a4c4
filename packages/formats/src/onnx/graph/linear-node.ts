import type { LinearSpec } from '@compress/core';
import { codeTensors } from '../onnx-layout.ts';
import type { Graph } from './graph.ts';

/** MatMulNBits computes with activations in f32: what was measured is what runs. */
const ACCURACY_F32 = 1;

/** x W^T + b: MatMulNBits where the weight is in codes, else a product with its floats `[out, in]`. */
export function linearNode(
  graph: Graph,
  input: string,
  { name, weight, bias, outFeatures, inFeatures }: LinearSpec,
): string {
  graph.enter(name);
  const codes = codeTensors(weight);
  const packed = graph.stored(codes.quant);
  const product = packed === undefined ? floatProduct(graph, input, weight) : codeProduct();
  return bias === undefined ? product : graph.node('Add', [product, graph.floats(bias)]);

  function codeProduct(): string {
    const [, groups, groupBytes] = packed!.shape;
    const zeros = graph.stored(codes.zeros) === undefined ? [] : [graph.weight(codes.zeros)];
    const block = inFeatures / groups;
    return graph.contributed('MatMulNBits', [input, graph.weight(codes.quant), graph.floats(codes.scales), ...zeros], {
      K: { int: inFeatures },
      N: { int: outFeatures },
      bits: { int: (8 * groupBytes) / block },
      block_size: { int: block },
      accuracy_level: { int: ACCURACY_F32 },
    });
  }
}

/** x W^T for W `[out, in]`. */
function floatProduct(graph: Graph, input: string, weight: string): string {
  return graph.contributed('FusedMatMul', [input, graph.floats(weight)], { transB: { int: 1 } });
}
