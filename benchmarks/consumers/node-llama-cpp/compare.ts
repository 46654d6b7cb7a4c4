import { openGgufModel } from '@compress/formats';
import type { Kernels } from '@compress/kernels';
import { type LlamaCpp, openLlamaCpp } from './llama-cpp.ts';
import { scoreWindows } from './our-side.ts';

/** How llama.cpp and we see one GGUF file. */
export interface Comparison {
  readonly release: string;
  readonly theirs: number;
  readonly ours: number;
  /** theirs / ours - 1 */
  readonly relative: number;
  /** The largest difference of one token's negative log-likelihood. */
  readonly largest: number;
  /** How many of the tokens that llama.cpp generated greedily are the likeliest to us too, and how many it generated. */
  readonly greedy: { readonly same: number; readonly of: number };
}

/** Both perplexities of `windows`, and the text that goes on from the first 16 tokens of the first, by our forward pass over the same file. */
export async function compareWithLlamaCpp(
  file: string,
  windows: readonly Uint32Array[],
  kernels: Kernels,
): Promise<Comparison> {
  const length = Math.max(...windows.map((window) => window.length));
  const llama = await openLlamaCpp(file, length);
  const model = await openGgufModel(file);
  try {
    const prompt = windows[0].subarray(0, 16);
    const generated = await llama.greedy(prompt, 32);
    const spoken = Uint32Array.of(...prompt, ...generated);
    const [said, ...scored] = await scoreWindows(model, [spoken, ...windows], kernels);
    const same = generated.filter((token, i) => said.likeliest[prompt.length - 1 + i] === token).length;
    const { theirs, ours, largest } = await compareScores(
      llama,
      windows,
      scored.map(({ nll }) => nll),
    );
    return {
      release: llama.release,
      theirs,
      ours,
      relative: theirs / ours - 1,
      largest,
      greedy: { same, of: generated.length },
    };
  } finally {
    await model.checkpoint.close();
    await llama.close();
  }
}

async function compareScores(llama: LlamaCpp, windows: readonly Uint32Array[], ours: readonly Float64Array[]) {
  let [count, sumOurs, sumTheirs, largest] = [0, 0, 0, 0];
  for (const [w, window] of windows.entries()) {
    const theirs = await llama.score(window);
    for (let i = 0; i < theirs.length; i++) {
      count++;
      sumOurs += ours[w][i];
      sumTheirs += theirs[i];
      largest = Math.max(largest, Math.abs(theirs[i] - ours[w][i]));
    }
  }
  return { theirs: Math.exp(sumTheirs / count), ours: Math.exp(sumOurs / count), largest };
}
