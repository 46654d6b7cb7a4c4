import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp';

/** What llama.cpp says of a model. */
export interface LlamaCpp {
  /** The release of llama.cpp, as node-llama-cpp names it. */
  readonly release: string;
  /** Without the token of the beginning. */
  tokenize(text: string): Uint32Array;
  /** Negative log-likelihood, in nats, of the tokens 1, 2, ... of a window, each from those before it. */
  score(tokens: Uint32Array): Promise<Float64Array>;
  /** The `count` most likely tokens after `tokens`, one by one. */
  greedy(tokens: Uint32Array, count: number): Promise<Uint32Array>;
  close(): Promise<void>;
}

/** Loads a GGUF file into llama.cpp, on the CPU. `context`: the longest window. */
export async function openLlamaCpp(file: string, context: number): Promise<LlamaCpp> {
  const llama = await getLlama({ build: 'never', gpu: false, skipDownload: true, logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath: file });
  // One thread: sums are the same on every machine, and nothing spins while others work.
  const session = await model.createContext({ contextSize: context, batchSize: context, threads: 1 });
  const sequence = session.getSequence();
  const listed = (tokens: Uint32Array) => Array.from(tokens) as Token[];
  return {
    release: llama.llamaCppRelease.release,
    tokenize: (text) => Uint32Array.from(model.tokenize(text)),
    async score(tokens) {
      await sequence.clearHistory();
      const input = listed(tokens);
      const scores = new Float64Array(tokens.length - 1);
      await sequence.controlledEvaluate(
        input.map((token, i) => (i === scores.length ? token : [token, { generateNext: { probabilities: true } }])),
        {
          // As they come: a vocabulary of probabilities for each token is too much to keep.
          onTokenResult(i, { next }) {
            scores[i] = -Math.log(next.probabilities!.get(input[i + 1])!);
            next.probabilities!.clear();
          },
        },
      );
      return scores;
    },
    async greedy(tokens, count) {
      await sequence.clearHistory();
      const generated = new Uint32Array(count);
      let i = 0;
      // Its own sampler takes the most likely where the temperature is 0.
      for await (const token of sequence.evaluate(listed(tokens), { temperature: 0, yieldEogToken: true })) {
        generated[i++] = token;
        if (i === count) break;
      }
      return generated.subarray(0, i);
    },
    close: () => llama.dispose(),
  };
}
