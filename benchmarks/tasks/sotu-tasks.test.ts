import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { makeSotuTasks } from './sotu-tasks.ts';

test('the tasks that are committed are those that the script makes', async () => {
  for (const [name, text] of Object.entries(await makeSotuTasks()))
    expect(await readFile(new URL(name, import.meta.url), 'utf8')).toBe(text);
});
