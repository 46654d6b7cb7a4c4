import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  ELEMENT_TYPES,
  type OnnxAttribute,
  type OnnxConstant,
  type OnnxModel,
  type OnnxNode,
  type OnnxValue,
} from './onnx-model.ts';

/** Of the file format; 8 came with operator set 15. */
const IR_VERSION = 8;
/** Versions of the operators: `Shape` has its range since 15, comparisons their present types since 16. Older runtimes read fewer. */
const OPERATOR_SETS = { '': 17, 'com.microsoft': 1 };

/** TensorProto.DataLocation */
const EXTERNAL = 1;
/** AttributeProto.AttributeType */
const ATTRIBUTE_TYPES = { float: 1, int: 2, ints: 7 };

/** The bytes of an ONNX file: a ModelProto. Field numbers are those of onnx.proto. */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  integer(writer, 1, IR_VERSION);
  text(writer, 2, model.producer);
  message(writer, 7, () => {
    for (const node of model.nodes) message(writer, 1, () => encodeNode(writer, node));
    text(writer, 2, model.graphName);
    for (const constant of model.constants) message(writer, 5, () => encodeConstant(writer, constant));
    for (const value of model.inputs) message(writer, 11, () => encodeValue(writer, value));
    for (const value of model.outputs) message(writer, 12, () => encodeValue(writer, value));
  });
  for (const [domain, version] of Object.entries(OPERATOR_SETS))
    message(writer, 8, () => {
      text(writer, 1, domain);
      integer(writer, 2, version);
    });
  return writer.finish();
}

function encodeNode(writer: BinaryWriter, node: OnnxNode): void {
  for (const input of node.inputs) text(writer, 1, input);
  for (const output of node.outputs) text(writer, 2, output);
  text(writer, 3, node.name);
  text(writer, 4, node.operator);
  for (const [name, attribute] of Object.entries(node.attributes))
    message(writer, 5, () => encodeAttribute(writer, name, attribute));
  text(writer, 7, node.domain);
}

function encodeAttribute(writer: BinaryWriter, name: string, attribute: OnnxAttribute): void {
  text(writer, 1, name);
  if ('float' in attribute) {
    writer.tag(2, WireType.Bit32).float(attribute.float);
    integer(writer, 20, ATTRIBUTE_TYPES.float);
  } else if ('int' in attribute) {
    integer(writer, 3, attribute.int);
    integer(writer, 20, ATTRIBUTE_TYPES.int);
  } else {
    for (const value of attribute.ints) integer(writer, 8, value);
    integer(writer, 20, ATTRIBUTE_TYPES.ints);
  }
}

function encodeConstant(writer: BinaryWriter, { name, type, shape, data }: OnnxConstant): void {
  for (const size of shape) integer(writer, 1, size);
  integer(writer, 2, ELEMENT_TYPES[type]);
  text(writer, 8, name);
  if (data instanceof Uint8Array) {
    writer.tag(9, WireType.LengthDelimited).bytes(data);
    return;
  }
  const place = { location: data.file, offset: String(data.offset), length: String(data.length) };
  for (const [key, value] of Object.entries(place))
    message(writer, 13, () => {
      text(writer, 1, key);
      text(writer, 2, value);
    });
  integer(writer, 14, EXTERNAL);
}

function encodeValue(writer: BinaryWriter, { name, type, shape }: OnnxValue): void {
  text(writer, 1, name);
  message(writer, 2, () =>
    message(writer, 1, () => {
      integer(writer, 1, ELEMENT_TYPES[type]);
      message(writer, 2, () => {
        for (const size of shape)
          message(writer, 1, () => (typeof size === 'number' ? integer(writer, 1, size) : text(writer, 2, size)));
      });
    }),
  );
}

function message(writer: BinaryWriter, field: number, content: () => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  content();
  writer.join();
}

function integer(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}
