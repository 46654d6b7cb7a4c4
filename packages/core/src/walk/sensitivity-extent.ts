import { countWeights } from '../model/count-weights.ts';
import type { LinearSpec, Model, SectionSpec } from '../model/model.ts';
import { treatable } from './treat-site.ts';

/** So many calibration windows are taken, spread over all, and so many tokens from the beginning of each. */
export const SENSITIVITY_WINDOWS = 4;
export const SENSITIVITY_LENGTH = 128;
/** Bytes of one stream's logits in memory at one time, of at least 32 tokens: each time the whole head is read. */
const LOGIT_BYTES = 2 ** 24;
const LEAST_ROWS = 32;

/** Tokens that `measureSensitivities` takes of such a calibration set: what the plan counts its work by. */
export function sensitivityTokens({ sequences, length }: { sequences: number; length: number }): number {
  return Math.min(SENSITIVITY_WINDOWS, sequences) * Math.min(SENSITIVITY_LENGTH, length);
}

/** The Linears of a section whose weights get noise: all that algorithms may touch. Behind a head comes nothing that could move. */
export function noisyLinears({ kind, sites }: SectionSpec): LinearSpec[] {
  return kind === 'head' ? [] : sites.flatMap(treatable);
}

/** The sections with such Linears, which `measureSensitivities` takes one after the other. */
export function sensitiveSections({ sections }: Pick<Model, 'sections'>): SectionSpec[] {
  return sections.filter((section) => noisyLinears(section).length > 0);
}

/** The weights of the largest of these Linears. */
export function largestNoise({ sections }: Pick<Model, 'sections'>): number {
  return largest(sections.flatMap(noisyLinears).map((one) => countWeights([one])));
}

/** Bytes that `measureSensitivities` holds at one time beside a section's weights and a batch: residual streams, and logits or noise. */
export function sensitivityMemory(
  { sections, hiddenSize, vocabularySize }: Pick<Model, 'sections' | 'hiddenSize' | 'vocabularySize'>,
  calibration: { sequences: number; length: number },
): number {
  const noisy = sections.map(noisyLinears);
  const tokens = sensitivityTokens(calibration);
  // All streams of a section, once apart and once together.
  const streams = 2 * 4 * (1 + largest(noisy.map((linears) => linears.length))) * tokens * hiddenSize;
  // Logits of the plain model and of a stream in f32, and the plain one's probabilities in f64.
  const logits = Math.min(logitRows(vocabularySize), tokens) * vocabularySize * (4 + 4 + 8);
  // In f64 for one Linear, and in f32 the noisy weights of a whole section.
  const noise = 8 * largestNoise({ sections }) + 4 * largest(noisy.map(countWeights));
  // Pools keep streams and logits for the next call while the weights of another section are read.
  return 2 * (streams + logits) + noise;
}

const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0);

/** Tokens whose logits are made at one time. */
export function logitRows(vocabularySize: number): number {
  return Math.max(LEAST_ROWS, Math.floor(LOGIT_BYTES / 4 / vocabularySize));
}
