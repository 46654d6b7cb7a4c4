import type { Rope } from '@compress/core';
import type { Graph } from './graph.ts';

/** Cosines and sines of the run's positions, `[batch, 1, length, dimensions / 2]`. */
export interface Rotation {
  readonly cos: string;
  readonly sin: string;
}

/** Rows of the tables of low positions. */
const STEP = 256;

/**
 * The tables of a rope for `positions` `[batch, length]`, which are below `contextLength`. A position is 256 high + low; cosine and sine of both are looked up, and those of the
 * sum follow by the addition theorems. So the numbers are those of f64 but for roundings of f32, however far the position, from tables of some kilobytes: f32 angles
 * lose digits with the position, and not every onnxruntime has cosines in f64.
 */
export function rotation(
  graph: Graph,
  { dimensions, amplitude, frequencies }: Rope,
  { positions, contextLength }: { readonly positions: string; readonly contextLength: number },
): Rotation {
  graph.enter('rotary');
  const turns = frequencies(1);
  const wave = (of: (angle: number) => number, rows: number, step: number) => {
    const values = Float32Array.from({ length: rows * turns.length }, (_, i) =>
      of(step * Math.floor(i / turns.length) * turns[i % turns.length]),
    );
    return graph.floatTable(values, [rows, dimensions / 2]);
  };
  const heads = graph.node('Unsqueeze', [positions, graph.integers([1])]);
  const high = graph.node('Div', [heads, graph.integer(STEP)]);
  const low = graph.node('Sub', [heads, graph.node('Mul', [high, graph.integer(STEP)])]);
  const rows = Math.ceil(contextLength / STEP);
  const [cosHigh, sinHigh] = [Math.cos, Math.sin].map((of) =>
    graph.node('Gather', [wave((angle) => amplitude * of(angle), rows, STEP), high]),
  );
  const [cosLow, sinLow] = [Math.cos, Math.sin].map((of) => graph.node('Gather', [wave(of, STEP, 1), low]));
  const times = (x: string, y: string) => graph.node('Mul', [x, y]);
  return {
    cos: graph.node('Sub', [times(cosHigh, cosLow), times(sinHigh, sinLow)]),
    sin: graph.node('Add', [times(sinHigh, cosLow), times(cosHigh, sinLow)]),
  };
}

/** Turns the halves of each head, `[batch, heads, length, dimensions]`: (a, b) becomes (a cos - b sin, b cos + a sin). */
export function rotate(graph: Graph, heads: string, dimensions: number, { cos, sin }: Rotation): string {
  const [a, b] = graph.split(heads, 3, [dimensions / 2, dimensions / 2]);
  const times = (x: string, y: string) => graph.node('Mul', [x, y]);
  const turned = [graph.node('Sub', [times(a, cos), times(b, sin)]), graph.node('Add', [times(b, cos), times(a, sin)])];
  return graph.node('Concat', turned, { axis: { int: 3 } });
}
