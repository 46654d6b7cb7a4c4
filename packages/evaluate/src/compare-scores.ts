import { meanFigure } from './mean-figure.ts';
import { requireSameText } from './text-identity.ts';
import type { StoredScores } from './token-scores-file.ts';

/** Two models on the same tokens, token by token. */
export interface ScoreComparison {
  readonly tokens: number;
  /** Mean negative log-likelihood of each, in nats. */
  readonly nll: readonly [first: number, second: number];
  /** Mean of second - first, in nats a token: what the second lost. */
  readonly difference: number;
  /** Standard error of `difference`, of pairs: most of what makes tokens hard is hard for both models, and falls out. */
  readonly standardError: number;
  /** exp(difference): the second's perplexity over the first's. */
  readonly perplexityRatio: number;
  /** Share of tokens to which the second gave less probability. */
  readonly worse: number;
  /** Largest |second - first| of a token, and where in the text it stands. */
  readonly largest: { readonly difference: number; readonly position: number };
}

/** Compares token by token. Throws `CompressError` `scores-differ` where the two are not of the same tokens, and names what differs. */
export function compareScores(first: StoredScores, second: StoredScores): ScoreComparison {
  requireSameText(first.text, second.text, { file: second.file, code: 'scores-differ' });
  const differences = second.nll.map((value, i) => value - first.nll[i]);
  const { mean, standardError } = meanFigure(differences);
  const largest = differences.reduce((best, value, i) => (Math.abs(value) > Math.abs(differences[best]) ? i : best), 0);
  return {
    tokens: differences.length,
    nll: [meanFigure(first.nll).mean, meanFigure(second.nll).mean],
    difference: mean,
    standardError,
    perplexityRatio: Math.exp(mean),
    worse: differences.filter((value) => value > 0).length / differences.length,
    largest: { difference: differences[largest], position: first.positions[largest] },
  };
}
