import { CompressError } from '../errors.ts';
import { createJsonScanner, type Json, JsonFault } from './json-scanner.ts';

/** Reads the `weight_map` (tensor to shard) of an index file's text. Throws `CompressError` `index-invalid`. */
export function readWeightMap(text: string, file: string): ReadonlyMap<string, string> {
  const index = parse(text, file);
  const weightMap = index instanceof Map ? index.get('weight_map') : undefined;
  if (!(weightMap instanceof Map)) {
    throw new CompressError('index-invalid', 'The index must be an object with a weight_map.', { file });
  }
  const shards = new Map<string, string>();
  for (const [tensor, shard] of weightMap) {
    if (typeof shard !== 'string') {
      throw new CompressError('index-invalid', 'The weight_map must give a file name for every tensor.', {
        file,
        tensor,
      });
    }
    shards.set(tensor, shard);
  }
  return shards;
}

function parse(text: string, file: string): Json {
  try {
    const scanner = createJsonScanner(new TextEncoder().encode(text));
    const value = scanner.value();
    scanner.end();
    return value;
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    throw new CompressError('index-invalid', `The index is not valid: ${cause.message}.`, { file }, { cause });
  }
}
