import { CompressError } from '../errors.ts';
import { createJsonScanner, JsonFault, type JsonScanner } from './json-scanner.ts';
import { createMemoryBudget } from './memory-budget.ts';

/** What a string takes beside its letters, and its place in a table. */
const STRING_COST = 128;
const VALUE_COST = 64;

/**
 * Reads the `weight_map` (tensor to shard) of an index file. Takes no more memory beside `bytes` than the shards have bytes (`weights`), or 32 MB. Throws
 * `CompressError` `index-invalid`, `index-heavy`.
 */
export function readWeightMap(bytes: Uint8Array, weights: number, file: string): ReadonlyMap<string, string> {
  const spend = createMemoryBudget(
    weights,
    () =>
      new CompressError(
        'index-heavy',
        `The index lists more tensors than shards of ${weights} bytes can have: if shards are missing, download the model again.`,
        { file },
      ),
  );
  const scanner = createJsonScanner(bytes, {
    string: (length) => spend(STRING_COST + 2 * length),
    value: () => spend(VALUE_COST),
  });
  let shards: ReadonlyMap<string, string> | undefined;
  try {
    if (scanner.peek() === '{')
      scanner.object((key) => {
        if (key === 'weight_map' && scanner.peek() === '{') shards = readShards(scanner, file);
        else scanner.value();
      });
    else scanner.value();
    scanner.end();
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    throw new CompressError('index-invalid', `The index is not valid: ${cause.message}.`, { file }, { cause });
  }
  if (shards) return shards;
  throw new CompressError('index-invalid', 'The index must be an object with a weight_map.', { file });
}

function readShards(scanner: JsonScanner, file: string): ReadonlyMap<string, string> {
  const shards = new Map<string, string>();
  // Thousands of tensors name one shard.
  const names = new Map<string, string>();
  scanner.object((tensor) => {
    if (scanner.peek() !== '"')
      throw new CompressError('index-invalid', 'The weight_map must give a file name for every tensor.', {
        file,
        tensor,
      });
    const name = scanner.string();
    if (!names.has(name)) names.set(name, name);
    shards.set(tensor, names.get(name)!);
  });
  return shards;
}
