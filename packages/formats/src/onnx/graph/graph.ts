import {
  ELEMENT_TYPES,
  type ElementType,
  type OnnxAttribute,
  type OnnxConstant,
  type OnnxModel,
} from '../onnx-model.ts';

/** A weight of the model, in the file that holds them. */
export type Weight = Omit<OnnxConstant, 'name'>;

/** Attributes of an operator. */
type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** A graph that grows node by node. What makes a node returns the name of the value that comes out of it, which later nodes are given. */
export interface Graph {
  /** Names of the nodes that follow begin with it, so that a viewer shows where in the model they are. */
  enter(scope: string): void;
  /** An operator of ONNX's own. */
  node(operator: string, inputs: readonly string[], attributes?: Attributes): string;
  /** An operator that onnxruntime has beside them. */
  contributed(operator: string, inputs: readonly string[], attributes: Attributes): string;
  /** Parts of these sizes along the axis. */
  split(value: string, axis: number, sizes: readonly number[]): string[];
  cast(value: string, type: ElementType): string;
  /** A vector of whole numbers. */
  integers(values: readonly number[]): string;
  /** A single whole number. */
  integer(value: number): string;
  /** A single f32. */
  float(value: number): string;
  /** Many f32 of this shape. */
  floatTable(values: Float32Array, shape: readonly number[]): string;
  /** A weight by its name in the checkpoint, in the type that it is stored in. */
  weight(name: string): string;
  /** A weight in f32, in which the graph computes. A runtime converts it once, when it loads the file. */
  floats(name: string): string;
  /** What is stored of a weight; undefined where there is none of this name. */
  stored(name: string): Weight | undefined;
  /** A value that each run is given. */
  input(name: string, type: ElementType, shape: readonly (number | string)[]): string;
  /** Gives the value that was made last the name under which each run returns it; that is its name from then on. */
  output(value: string, name: string, shape: readonly (number | string)[]): string;
  /** All of it. */
  finish(): Omit<OnnxModel, 'producer' | 'graphName'>;
}

/** An empty graph over `weights`. */
export function createGraph(weights: ReadonlyMap<string, Weight>): Graph {
  const nodes: OnnxModel['nodes'][number][] = [];
  const inputs: OnnxModel['inputs'][number][] = [];
  const outputs: OnnxModel['outputs'][number][] = [];
  const constants = new Map<string, OnnxConstant>();
  const floats = new Map<string, string>();
  let scope = '';

  function add(
    operator: string,
    domain: string,
    from: readonly string[],
    attributes: Attributes,
    to: readonly string[],
  ) {
    const name = `${scope}/${operator}_${nodes.length}`;
    const made = to.map((suffix) => `${name}${suffix}`);
    nodes.push({ name, operator, domain, inputs: from, outputs: made, attributes });
    return made;
  }

  function constant(name: string, value: Weight): string {
    constants.set(name, { name, ...value });
    return name;
  }

  const graph: Graph = {
    enter(next) {
      scope = next;
    },
    node: (operator, from, attributes = {}) => add(operator, '', from, attributes, [''])[0],
    contributed: (operator, from, attributes) => add(operator, 'com.microsoft', from, attributes, [''])[0],
    split(value, axis, sizes) {
      const suffixes = sizes.map((_, i) => `.${i}`);
      return add('Split', '', [value, graph.integers(sizes)], { axis: { int: axis } }, suffixes);
    },
    cast: (value, type) => graph.node('Cast', [value], { to: { int: ELEMENT_TYPES[type] } }),
    integers: (values) => constant(`integers ${values}`, { type: 'I64', shape: [values.length], data: int64(values) }),
    integer: (value) => constant(`integer ${value}`, { type: 'I64', shape: [], data: int64([value]) }),
    float: (value) => constant(`float ${value}`, { type: 'F32', shape: [], data: bytesOf(Float32Array.of(value)) }),
    floatTable: (values, shape) => constant(`table ${constants.size}`, { type: 'F32', shape, data: bytesOf(values) }),
    weight(name) {
      const stored = weights.get(name);
      if (stored === undefined) throw new TypeError(`the graph reads ${name}, which is no weight of the checkpoint`);
      return constant(name, stored);
    },
    floats(name) {
      const stored = graph.weight(name);
      if (weights.get(name)?.type === 'F32') return stored;
      if (!floats.has(name)) floats.set(name, graph.cast(stored, 'F32'));
      return floats.get(name)!;
    },
    stored: (name) => weights.get(name),
    input(name, type, shape) {
      inputs.push({ name, type, shape });
      return name;
    },
    output(value, name, shape) {
      const last = nodes.pop()!;
      if (last.outputs[0] !== value) throw new TypeError(`${value} is not what was made last`);
      nodes.push({ ...last, outputs: [name] });
      outputs.push({ name, type: 'F32', shape });
      return name;
    },
    finish: () => ({ nodes, constants: [...constants.values()], inputs, outputs }),
  };
  return graph;
}

function int64(values: readonly number[]): Uint8Array {
  return bytesOf(BigInt64Array.from(values, BigInt));
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
