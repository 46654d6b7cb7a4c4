import { CompressError } from '@compress/core';
import { type EncodedPair, encodePair } from './encode-pair.ts';
import { judgeChoices, judgeLastWord, summarizeTask } from './judge-items.ts';
import { type ContinuationsRequest, scoreContinuations } from './score-continuations.ts';
import type { ChoiceItem, TaskItems, TaskResult } from './task.ts';

/** A model, its tokenizer, and the items. */
export interface TaskRequest extends Omit<ContinuationsRequest, 'pairs'> {
  /** At least one. */
  readonly items: TaskItems;
  /** Token ids of a text, without special tokens, as in lm-eval unless told otherwise. */
  readonly encode: (text: string) => Uint32Array;
  /** Stands before a continuation that has no context: the token that begins a text or, where a model has none, ends it. */
  readonly prefixToken?: number;
}

/**
 * Measures a model on a task by likelihood alone; nothing is generated. Throws `CompressError` `task-invalid` for an item that cannot be scored, and as
 * {@link scoreContinuations}.
 */
export async function measureTask(request: TaskRequest): Promise<TaskResult> {
  const { items, encode, prefixToken, ...model } = request;
  if (items.length === 0) throw new RangeError('a task has at least one item');
  const encoded = (context: string, continuation: string, item: number) =>
    withContext(encodePair(encode, context, continuation), continuation, item, prefixToken);
  if (areChoices(items)) {
    const pairs = items.map(({ context, choices }, item) =>
      choices.map((choice) => encoded(context, ` ${choice}`, item)),
    );
    const scores = await scoreContinuations({ ...model, pairs: pairs.flat() });
    let next = 0;
    const outcomes = items.map((item) => {
      const first = next;
      next += item.choices.length;
      return judgeChoices(item, scores.slice(first, next));
    });
    return summarizeTask(outcomes, items);
  }
  const pairs = items.map(({ text }, item) => {
    const space = Math.max(0, text.lastIndexOf(' '));
    return encoded(text.slice(0, space), text.slice(space), item);
  });
  return summarizeTask((await scoreContinuations({ ...model, pairs })).map(judgeLastWord));
}

function areChoices(items: TaskItems): items is readonly ChoiceItem[] {
  return items.every((item) => 'choices' in item);
}

function withContext(pair: EncodedPair, text: string, item: number, prefixToken: number | undefined): EncodedPair {
  if (pair.continuation.length === 0)
    throw new CompressError(
      'task-invalid',
      `Item ${item} has a continuation without tokens of its own: ${JSON.stringify(text)}.`,
    );
  if (pair.context.length > 0) return pair;
  if (prefixToken !== undefined) return { ...pair, context: Uint32Array.of(prefixToken) };
  throw new CompressError(
    'task-invalid',
    `Item ${item} has no context, and this model has no token that begins a text; give it some context.`,
  );
}
