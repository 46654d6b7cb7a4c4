/** What an ONNX file says (onnx.proto), as far as decoders need it. */
export interface OnnxModel {
  readonly producer: string;
  readonly graphName: string;
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** One operator at work. */
export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  /** Of its operator; empty: ONNX's own. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** An integer and a float look the same in JavaScript. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] };

/** TensorProto.DataType, by the names of safetensors. */
export const ELEMENT_TYPES = { F32: 1, U8: 2, I64: 7, BOOL: 9, F16: 10, BF16: 16 } as const;

/** The type of a tensor's elements. */
export type ElementType = keyof typeof ELEMENT_TYPES;

/** A tensor that is known before the graph runs (an initializer): little-endian in the file itself, or in another file of the same folder. */
export interface OnnxConstant {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | { readonly file: string; readonly offset: number; readonly length: number };
}

/** An input or output of the whole graph; a dimension that runs differ in has a name. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}
