import type { Survey, SurveyedSection } from '@compress/core';

/** A weight is an outlier if |w| |x| is more than this many times its section's mean (M in the paper, section 4). */
const OUTLIER = 5;
/** Sections lie at most this far apart on both sides together (2 lambda in the paper). */
const SPREAD = 0.16;

/** The share of outliers in a section, and how many weights it has. */
export const outlierSurvey: Survey = {
  observes: ['squares'],
  async section(sites) {
    let [sum, weights, outliers] = [0, 0, 0];
    const each = (visit: (score: number) => void) => {
      for (const { linears, statistics } of sites) {
        const norms = Float64Array.from(statistics.squares!, Math.sqrt);
        for (const { weight } of linears)
          for (let i = 0; i < weight.data.length; i++) visit(Math.abs(weight.data[i]) * norms[i % weight.columns]);
      }
    };
    each((score) => {
      sum += score;
      weights += 1;
    });
    const threshold = (OUTLIER * sum) / weights;
    each((score) => {
      if (score > threshold) outliers += 1;
    });
    return { weights, outliers: outliers / weights };
  },
};

/**
 * Outlier-weighted layerwise sparsity (Yin et al., 2023): sections with more outliers keep more, and all weights together are pruned to
 * `sparsity`. Returns that of each section, clamped to 0..1.
 */
export function allocateOwl(survey: readonly SurveyedSection[], sparsity: number): number[] {
  const shares = survey.map(({ figures }) => figures.outliers);
  const least = Math.min(...shares);
  const range = Math.max(...shares) - least;
  const kept = shares.map((share) => (range === 0 ? 0 : (SPREAD * (share - least)) / range));
  const weights = survey.reduce((sum, { figures }) => sum + figures.weights, 0);
  const mean = survey.reduce((sum, { figures }, i) => sum + kept[i] * figures.weights, 0) / weights;
  return kept.map((more) => Math.min(1, Math.max(0, sparsity - more + mean)));
}
