import { readFile } from 'node:fs/promises';
import { CompressError } from '@compress/core';
import type { TaskItems } from '@compress/evaluate';
import { z } from 'zod';

const choice = z
  .strictObject({
    context: z.string(),
    choices: z.array(z.string().min(1)).min(2),
    answer: z.int().nonnegative(),
  })
  .refine(({ choices, answer }) => answer < choices.length, {
    path: ['answer'],
    error: 'must be the place of one of the choices, counted from 0',
  });
const lastWord = z.strictObject({ text: z.string().min(1) });

/**
 * The items of a task from a file with one JSON object a line, all of one kind: `{ context, choices, answer }`, or `{ text }` whose last word is to be found. Throws
 * `CompressError` `task-unreadable`, `task-invalid`.
 */
export async function readTask(file: string): Promise<TaskItems> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
    throw new CompressError('task-unreadable', `The task cannot be read: ${reason}.`, { file }, { cause });
  });
  const lines = [...text.split('\n').entries()].filter(([, line]) => line.trim() !== '');
  if (lines.length === 0) throw new CompressError('task-invalid', 'The task has no items.', { file });
  const records = lines.map(([index, line]) => ({
    place: { file, line: index + 1 },
    value: parseJson(line, { file, line: index + 1 }),
  }));
  const schema: z.ZodType<TaskItems[number]> = isChoice(records[0].value) ? choice : lastWord;
  return records.map(({ place, value }) => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const kinds = '{ context, choices, answer } or { text }, all lines the same';
    throw new CompressError(
      'task-invalid',
      `This item is not as it should be, ${kinds}: ${z.prettifyError(result.error).replaceAll('\n', ' ')}.`,
      place,
    );
  }) as TaskItems;
}

function isChoice(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'choices' in value;
}

function parseJson(line: string, place: { readonly file: string; readonly line: number }): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new CompressError('task-unreadable', `This line is not JSON: ${(cause as Error).message}.`, place, { cause });
  }
}
