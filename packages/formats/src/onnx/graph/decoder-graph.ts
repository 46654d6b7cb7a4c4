import type { Attention, Block, Decoder, Network, Norm, Rope } from '@compress/core';
import type { OnnxModel } from '../onnx-model.ts';
import { attentionMask, type RunInputs } from './attention-mask.ts';
import { createGraph, type Graph, type Weight } from './graph.ts';
import { linearNode } from './linear-node.ts';
import { type Rotation, rotate, rotation } from './rotary.ts';

/** Names of dimensions that runs differ in. */
const BATCH = 'batch_size';
const LENGTH = 'sequence_length';
const PAST = 'past_sequence_length';
const TOTAL = 'total_sequence_length';

/** What blocks share in a run. */
interface Shared {
  /** By heads to a key and window. */
  mask(copies: number, window: number | undefined): string;
  rotation(rope: Rope): Rotation;
}

/**
 * A decoder of the Llama family as a graph with the inputs and outputs that Optimum gave such graphs and transformers.js knows: `input_ids`, `attention_mask`, `position_ids`
 * and `past_key_values.N.key` and `.value` `[batch, key heads, past, head dimension]`; `logits` `[batch, length, vocabulary]` and `present.N.key` and `.value`. It
 * computes in f32 whatever weights are stored in.
 */
export function decoderGraph(
  decoder: Decoder,
  weights: ReadonlyMap<string, Weight>,
): Omit<OnnxModel, 'producer' | 'graphName'> {
  const graph = createGraph(weights);
  const tokens = graph.input('input_ids', 'I64', [BATCH, LENGTH]);
  const mask = graph.input('attention_mask', 'I64', [BATCH, TOTAL]);
  const positions = graph.input('position_ids', 'I64', [BATCH, LENGTH]);
  graph.enter('inputs');
  const run = { mask, length: sizeOf(graph, tokens), total: sizeOf(graph, mask) };
  const shared = sharedValues(graph, run, { positions, contextLength: decoder.contextLength });

  graph.enter('embedding');
  const rows = graph.node('Gather', [graph.weight(decoder.tokenTable), tokens]);
  let hidden = graph.stored(decoder.tokenTable)?.type === 'F32' ? rows : graph.cast(rows, 'F32');
  for (const [layer, block] of decoder.blocks.entries()) hidden = blockNodes(graph, hidden, block, layer, shared);

  const normed = normNode(graph, hidden, decoder.finalNorm);
  const logits = linearNode(graph, normed, {
    name: decoder.head,
    weight: decoder.tied ? decoder.tokenTable : `${decoder.head}.weight`,
    outFeatures: decoder.vocabularySize,
    inFeatures: decoder.hiddenSize,
    transposed: false,
  });
  graph.output(logits, 'logits', [BATCH, LENGTH, decoder.vocabularySize]);
  return graph.finish();
}

/** The second dimension, `[1]`. */
function sizeOf(graph: Graph, value: string): string {
  return graph.node('Shape', [value], { start: { int: 1 }, end: { int: 2 } });
}

function sharedValues(
  graph: Graph,
  run: RunInputs,
  { positions, contextLength }: { readonly positions: string; readonly contextLength: number },
): Shared {
  const masks = new Map<string, string>();
  const rotations = new Map<Rope, Rotation>();
  return {
    mask(copies, window) {
      const key = `${copies} ${window}`;
      if (!masks.has(key)) masks.set(key, attentionMask(graph, run, window, copies));
      return masks.get(key)!;
    },
    rotation(rope) {
      if (!rotations.has(rope)) rotations.set(rope, rotation(graph, rope, { positions, contextLength }));
      return rotations.get(rope)!;
    },
  };
}

function blockNodes(graph: Graph, hidden: string, block: Block, layer: number, shared: Shared): string {
  const { attention, feedForward } = block;
  if (feedForward.kind !== 'dense') throw new TypeError('the graph has no experts');
  const attended = attentionNodes(graph, normNode(graph, hidden, attention.norm), attention, { layer, ...shared });
  const middle = graph.node('Add', [hidden, linearNode(graph, attended, attention.output)]);
  const fed = networkNodes(graph, normNode(graph, middle, feedForward.norm), feedForward.network);
  return graph.node('Add', [middle, fed]);
}

/** RMSNorm over the last axis, in the form that onnxruntime knows again and makes one operator of. */
function normNode(graph: Graph, value: string, { gain, epsilon }: Norm): string {
  graph.enter(gain.slice(0, -'.weight'.length));
  const squares = graph.node('Pow', [value, graph.float(2)]);
  const mean = graph.node('ReduceMean', [squares], { axes: { ints: [-1] }, keepdims: { int: 1 } });
  const root = graph.node('Sqrt', [graph.node('Add', [mean, graph.float(epsilon)])]);
  return graph.node('Mul', [graph.node('Div', [value, root]), graph.floats(gain)]);
}

/** What the output Linear reads, `[batch, length, heads headDimension]`. Heads that share a key are rows of one matrix, so that no key is copied. */
function attentionNodes(
  graph: Graph,
  input: string,
  p: Attention,
  { layer, ...shared }: Shared & { readonly layer: number },
): string {
  const { heads, keyHeads, headDimension, rope, window, scale } = p;
  const copies = heads / keyHeads;
  const mask = shared.mask(copies, window);
  const turn = rope && shared.rotation(rope);
  const [q, k, v] = p.linears.map((linear) => linearNode(graph, input, linear));
  const split = (value: string, count: number) =>
    graph.node('Reshape', [value, graph.integers([0, 0, count, headDimension])]);
  const normed = (value: string, norm: Norm | undefined) => (norm ? normNode(graph, value, norm) : value);
  const byHead = (value: string) => graph.node('Transpose', [value], { perm: { ints: [0, 2, 1, 3] } });

  const apart = [normed(split(q, heads), p.queryNorm), normed(split(k, keyHeads), p.keyNorm)];
  graph.enter(p.output.name.slice(0, p.output.name.lastIndexOf('.')));
  // Queries and keys turn alike: together that is half the nodes.
  const both = byHead(graph.node('Concat', apart, { axis: { int: 2 } }));
  const turned = turn ? rotate(graph, both, headDimension, turn) : both;
  const [queries, newKeys] = graph.split(turned, 1, [heads, keyHeads]);
  const keys = cached('key', newKeys);
  const values = cached('value', byHead(split(v, keyHeads)));

  const rows = graph.node('Reshape', [queries, graph.integers([0, keyHeads, -1, headDimension])]);
  const scores = graph.contributed('FusedMatMul', [rows, keys], { transB: { int: 1 }, alpha: { float: scale } });
  const weights = graph.node('Softmax', [graph.node('Add', [scores, mask])], { axis: { int: -1 } });
  const mixed = graph.node('MatMul', [weights, values]);
  const again = byHead(graph.node('Reshape', [mixed, graph.node('Shape', [queries])]));
  return graph.node('Reshape', [again, graph.integers([0, 0, heads * headDimension])]);

  function cached(side: 'key' | 'value', now: string): string {
    const past = graph.input(`past_key_values.${layer}.${side}`, 'F32', [BATCH, keyHeads, PAST, headDimension]);
    const all = graph.node('Concat', [past, now], { axis: { int: 2 } });
    return graph.output(all, `present.${layer}.${side}`, [BATCH, keyHeads, TOTAL, headDimension]);
  }
}

function networkNodes(graph: Graph, input: string, { linears, down }: Network): string {
  const [gate, up] = linears.map((linear) => linearNode(graph, input, linear));
  const activated = graph.node('Mul', [gate, graph.node('Sigmoid', [gate])]);
  return linearNode(graph, graph.node('Mul', [activated, up]), down);
}
