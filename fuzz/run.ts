/**
 * Has every reader meet damaged and hostile files, by the million, and says what became of them.
 *
 *     pnpm fuzz [--runs 1000000] [--seed 1] [--target gguf]
 */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { TARGETS } from './targets/index.ts';

/** Targets attacked at one time. */
const THREADS = 2;

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000000' }, seed: { type: 'string' }, target: { type: 'string' } },
});
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const chosen = TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
if (chosen.length === 0) {
  console.error(`error: there is no target ${values.target}; there are: ${TARGETS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const shares = chosen.reduce((sum, { share }) => sum + share, 0);
console.log(`${values.runs} cases, --seed ${seed}`);

const waiting = [...chosen];
async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const runs = Math.ceil((Number(values.runs) * next.share) / shares);
    const began = performance.now();
    try {
      const outcomes = await fuzz({ target: next.name, runs, seed });
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      const told = [...outcomes].sort(([, a], [, b]) => b - a).map(([outcome, count]) => `${outcome} ${count}`);
      console.log(`ok      ${next.name}: ${runs} cases in ${seconds} s: ${told.join(', ')}`);
    } catch (error) {
      console.log(`FAILED  ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
}
await Promise.all(Array.from({ length: THREADS }, work));
