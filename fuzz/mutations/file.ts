import fc from 'fast-check';
import { type ByteMutation, byteMutation, type IntegerField, mutateBytes } from './bytes.ts';
import { ggufFields } from './gguf-fields.ts';
import { type JsonMutation, jsonMutation, mutateJson } from './json.ts';
import { zipFields } from './zip-fields.ts';

/** A change of one of a folder's files: of a value that its format has, or of its bytes. */
export type FileMutation = {
  /** Which of the files, modulo their number. */
  readonly file: number;
} & ({ readonly value: JsonMutation } | { readonly bytes: ByteMutation });

/** Changes that one case is made of, at most. */
const MOST = 3;
const file = fc.nat(0xffff);
const several = (one: fc.Arbitrary<FileMutation>) => fc.array(one, { minLength: 1, maxLength: MOST });

/** A case: mostly of changed values, which come further into a reader than changed bytes; never of both, since bytes would end it early. */
export const fileMutations: fc.Arbitrary<FileMutation[]> = fc.oneof(
  { weight: 4, arbitrary: several(fc.record({ file, value: jsonMutation })) },
  { weight: 1, arbitrary: several(fc.record({ file, bytes: byteMutation })) },
);

/** The file after one change. */
export function mutateFile(name: string, content: Uint8Array, mutation: FileMutation): Uint8Array {
  const fields = fieldsOf(name, content);
  if ('bytes' in mutation) return mutateBytes(content, mutation.bytes, fields);
  const { value } = mutation;
  if (name.endsWith('.json')) return Buffer.from(mutateJson(Buffer.from(content).toString(), value));
  const parts = isSafetensors(name) ? cutSafetensors(content) : undefined;
  if (parts) return joinSafetensors(mutateJson(parts.header, value), parts.data);
  return mutateBytes(content, { kind: 'integer', at: value.node, value: value.value }, fields);
}

/** Data of our ONNX graphs is safetensors too. */
function isSafetensors(name: string): boolean {
  return name.endsWith('.safetensors') || name.endsWith('.onnx_data');
}

function fieldsOf(name: string, content: Uint8Array): readonly IntegerField[] {
  if (isSafetensors(name)) return [{ at: 0, bytes: 8 }];
  if (name.endsWith('.gguf')) return ggufFields(content);
  return name.endsWith('.bin') ? zipFields(content) : [];
}

/** Header and data, or undefined where the length of the header is beyond the file. */
export function cutSafetensors(
  content: Uint8Array,
): { readonly header: string; readonly data: Uint8Array } | undefined {
  if (content.length < 8) return undefined;
  const end = 8 + Number(new DataView(content.buffer, content.byteOffset).getBigUint64(0, true));
  if (end > content.length) return undefined;
  return { header: Buffer.from(content.subarray(8, end)).toString(), data: content.subarray(end) };
}

/** The length fits, so that the header itself is what a reader meets. */
export function joinSafetensors(header: string, data: Uint8Array): Uint8Array {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Uint8Array.from(Buffer.concat([length, json, data]));
}
