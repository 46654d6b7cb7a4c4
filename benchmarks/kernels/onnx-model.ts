/** A model of one or a few nodes in ONNX's protobuf (onnx.proto3), enough to run an operator of onnxruntime by itself. */
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface OnnxNode {
  readonly operator: string;
  readonly domain?: string;
  /** An empty name leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** An integer and a float look the same in JavaScript. */
export type Attribute = { readonly int: number } | { readonly float: number } | { readonly string: string };

export interface OnnxValue {
  readonly name: string;
  readonly type: keyof typeof ELEMENT_TYPES;
  readonly shape: readonly number[];
}

/** TensorProto.DataType */
const ELEMENT_TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10 };
const IR_VERSION = 10;
const OPSET = 21;

export function encodeModel({ nodes, inputs, outputs }: OnnxModel): Uint8Array {
  const graph = [
    ...nodes.map((node) => message(1, encodeNode(node))),
    text(2, 'benchmark'),
    ...inputs.map((value) => message(11, encodeValue(value))),
    ...outputs.map((value) => message(12, encodeValue(value))),
  ];
  const opsets = [
    ['', OPSET],
    ['com.microsoft', 1],
  ] as const;
  return Uint8Array.from(
    [
      integer(1, IR_VERSION),
      message(7, graph.flat()),
      ...opsets.map(([domain, version]) => message(8, [...text(1, domain), ...integer(2, version)])),
    ].flat(),
  );
}

function encodeNode({ operator, domain = '', inputs, outputs, attributes = {} }: OnnxNode): number[] {
  return [
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => message(5, encodeAttribute(name, value))),
    text(7, domain),
  ].flat();
}

function encodeAttribute(name: string, value: Attribute): number[] {
  if ('int' in value) return [...text(1, name), ...integer(3, value.int), ...integer(20, 2)];
  if ('string' in value) return [...text(1, name), ...text(4, value.string), ...integer(20, 3)];
  return [...text(1, name), 0x15, ...new Uint8Array(Float32Array.of(value.float).buffer), ...integer(20, 1)];
}

function encodeValue({ name, type, shape }: OnnxValue): number[] {
  const dimensions = shape.flatMap((size) => message(1, integer(1, size)));
  return [...text(1, name), ...message(2, message(1, [...integer(1, ELEMENT_TYPES[type]), ...message(2, dimensions)]))];
}

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const integer = (field: number, value: number) => [...varint(field * 8), ...varint(value)];
const message = (field: number, bytes: readonly number[]) => [
  ...varint(field * 8 + 2),
  ...varint(bytes.length),
  ...bytes,
];
const text = (field: number, value: string) => message(field, [...new TextEncoder().encode(value)]);
