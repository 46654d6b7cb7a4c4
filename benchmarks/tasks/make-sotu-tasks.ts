/** Writes the tasks of the demo model beside this file: `node --conditions=@compress/source benchmarks/tasks/make-sotu-tasks.ts`. */
import { writeFile } from 'node:fs/promises';
import { makeSotuTasks } from './sotu-tasks.ts';

for (const [name, text] of Object.entries(await makeSotuTasks())) await writeFile(new URL(name, import.meta.url), text);
