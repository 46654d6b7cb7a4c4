import { InferenceSession, Tensor } from 'onnxruntime-node';

/** A decoder's graph at work. */
export interface OnnxDecoder {
  /**
   * Runs the next tokens of `sequences` sequences of one length, `[sequences * length]`, after those that the cache holds: logits `[sequences * length, vocabulary]`. `mask` has a 0 for
   * each token, from the first one in the cache on, that only fills a sequence up.
   */
  append(tokens: Uint32Array, sequences: number, mask?: readonly (readonly number[])[]): Promise<Float32Array>;
  /** Empties the cache. */
  reset(): void;
  close(): Promise<void>;
}

const PAST = /^past_key_values\.(\d+\.(?:key|value))$/;

/** Loads a graph on one thread; `shape` is of its cache. */
export async function openOnnxDecoder(
  file: string,
  { keyHeads, headDimension }: { readonly keyHeads: number; readonly headDimension: number },
): Promise<OnnxDecoder> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const parts = session.inputNames.flatMap((name) => PAST.exec(name)?.[1] ?? []);
  let past = new Map<string, Tensor>();
  let held = 0;
  return {
    async append(tokens, sequences, mask) {
      const length = tokens.length / sequences;
      const total = held + length;
      const seen = mask ?? Array.from({ length: sequences }, () => Array<number>(total).fill(1));
      // Positions count what is no filling, as transformers.js has them.
      const positions = seen.map((row) => {
        let next = 0;
        return row.map((real) => (real ? next++ : 1));
      });
      const integers = (values: readonly number[], columns: number) =>
        new Tensor('int64', BigInt64Array.from(values, BigInt), [sequences, columns]);
      const feeds: Record<string, Tensor> = {
        input_ids: integers([...tokens], length),
        attention_mask: integers(seen.flat(), total),
        position_ids: integers(
          positions.flatMap((row) => row.slice(held)),
          length,
        ),
      };
      for (const part of parts)
        feeds[`past_key_values.${part}`] =
          past.get(part) ?? new Tensor('float32', new Float32Array(), [sequences, keyHeads, 0, headDimension]);
      const { logits, ...rest } = await session.run(feeds);
      past = new Map(parts.map((part) => [part, rest[`present.${part}`]]));
      held = total;
      return logits.data as Float32Array;
    },
    reset() {
      past = new Map();
      held = 0;
    },
    close: () => session.release(),
  };
}
