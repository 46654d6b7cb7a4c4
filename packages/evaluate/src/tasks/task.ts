import type { Figure } from '../mean-figure.ts';

/** Which of several texts comes after a context. */
export interface ChoiceItem {
  readonly context: string;
  /** Each comes after the context and one space. At least two. */
  readonly choices: readonly string[];
  /** The place of the right one. */
  readonly answer: number;
}

/** A text whose last word, that after its last space, is to be found (LAMBADA, Paperno et al., 2016). */
export interface LastWordItem {
  readonly text: string;
}

/** All items of a task are of one kind. */
export type TaskItems = readonly ChoiceItem[] | readonly LastWordItem[];

/**
 * How an item is judged, by lm-eval's names. Of a choice: right is the one with the largest log-likelihood (`acc`), with the largest one a character (`acc_norm`:
 * lm-eval's code counts Unicode code points, where it is often described as bytes), with the largest one a byte of UTF-8 (`acc_bytes`); of equal ones the
 * first. Lengths are those of the choice without the space before it. Of a last word: each of its tokens is the likeliest (`acc`).
 */
export type TaskMetric = 'acc' | 'acc_norm' | 'acc_bytes';

/** What a model made of one item. */
export interface ItemOutcome {
  /** log p in nats of each choice, or of the last word. */
  readonly logLikelihoods: readonly number[];
  readonly correct: Readonly<Partial<Record<TaskMetric, boolean>>>;
  /** Of choices: which one was picked. */
  readonly picked?: Readonly<Partial<Record<TaskMetric, number>>>;
}

/** A model's result on a task. Standard errors are those of a mean over items. */
export interface TaskResult {
  readonly kind: 'choice' | 'last-word';
  readonly items: readonly ItemOutcome[];
  readonly metrics: Readonly<Partial<Record<TaskMetric, Figure>>>;
  /** Of the right choice, or of the last word: log p in nats. */
  readonly logLikelihood: Figure;
}
