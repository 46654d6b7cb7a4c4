import { meanFigure } from '../mean-figure.ts';
import type { ContinuationScore } from './score-continuations.ts';
import type { ChoiceItem, ItemOutcome, TaskMetric, TaskResult } from './task.ts';

/** What the scores of an item's choices say of it: see {@link TaskMetric}. */
export function judgeChoices({ choices, answer }: ChoiceItem, scores: readonly ContinuationScore[]): ItemOutcome {
  const logLikelihoods = scores.map(({ logLikelihood }) => logLikelihood);
  const best = (lengthOf: (choice: string) => number) => {
    const values = logLikelihoods.map((value, i) => value / lengthOf(choices[i]));
    return values.indexOf(Math.max(...values));
  };
  const picked = {
    acc: best(() => 1),
    acc_norm: best((choice) => [...choice].length),
    acc_bytes: best((choice) => new TextEncoder().encode(choice).length),
  };
  const correct = {
    acc: picked.acc === answer,
    acc_norm: picked.acc_norm === answer,
    acc_bytes: picked.acc_bytes === answer,
  };
  return { logLikelihoods, correct, picked };
}

/** The same of a last word. */
export function judgeLastWord({ logLikelihood, greedy }: ContinuationScore): ItemOutcome {
  return { logLikelihoods: [logLikelihood], correct: { acc: greedy } };
}

/** The outcomes and their means; `choices` are the items, where these are choices. */
export function summarizeTask(items: readonly ItemOutcome[], choices?: readonly ChoiceItem[]): TaskResult {
  const names: readonly TaskMetric[] = choices ? ['acc', 'acc_norm', 'acc_bytes'] : ['acc'];
  const meanOfMetric = (name: TaskMetric) =>
    meanFigure(Float64Array.from(items, ({ correct }) => Number(correct[name])));
  return {
    kind: choices ? 'choice' : 'last-word',
    items,
    metrics: Object.fromEntries(names.map((name) => [name, meanOfMetric(name)])),
    logLikelihood: meanFigure(
      Float64Array.from(items, ({ logLikelihoods }, i) => logLikelihoods[choices?.[i].answer ?? 0]),
    ),
  };
}
