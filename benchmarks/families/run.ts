/**
 * The perplexity of every family on one model, as a Markdown table on stdout; a row that fails says why. Rows that already lie in the
 * work folder are not done again.
 *
 *     pnpm bench:families --model demo-output/model --calibration demo-output/calibration.txt --samples 128 --length 512 \
 *       --evaluation demo-output/evaluation.txt --context 512 --windows 64 --group 128 --work /tmp/families
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { familyRows, type Row } from './rows.ts';

const text = { type: 'string' } as const;
const { values: given } = parseArgs({
  options: {
    model: text,
    calibration: text,
    samples: text,
    length: text,
    evaluation: text,
    context: text,
    windows: text,
    group: text,
    work: text,
    only: text,
  },
});

/** What of `compress run --json` the table needs. */
interface Summary {
  readonly bitsPerWeight: number;
  readonly seconds: number;
  readonly peakMemory: number;
  readonly evaluations: readonly { readonly before: { perplexity: number }; readonly after: { perplexity: number } }[];
}

function required(name: Exclude<keyof typeof given, 'only'>): string {
  const value = given[name];
  if (value === undefined) throw new Error(`--${name} is missing`);
  return value;
}

async function measure({ name, pipeline }: Row, work: string): Promise<Summary | string> {
  const id = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const result = join(work, `${id}.json`);
  const known = await readFile(result, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as Summary;
  const recipe = join(work, `${id}.yaml`);
  // JSON is YAML.
  const content = {
    model: resolve(required('model')),
    output: join(work, id),
    calibration: {
      text: resolve(required('calibration')),
      samples: Number(required('samples')),
      length: Number(required('length')),
    },
    pipeline,
    format: 'dense',
    evaluate: {
      perplexity: {
        text: resolve(required('evaluation')),
        context: Number(required('context')),
        windows: Number(required('windows')),
      },
    },
  };
  await writeFile(recipe, JSON.stringify(content, undefined, 2));
  const { code, stdout, stderr } = await compress(['run', recipe, '--json']);
  await rm(join(work, id), { recursive: true, force: true });
  if (code !== 0) return stderr.trim().split('\n').at(-1) ?? `exit status ${code}`;
  await writeFile(result, stdout);
  return JSON.parse(stdout) as Summary;
}

function compress(parameters: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const app = new URL('../../apps/cli/src/main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=@compress/source', app, ...parameters]);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    stdout += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    stderr += piece;
  });
  return new Promise((done) => child.on('close', (code) => done({ code, stdout, stderr })));
}

const work = resolve(required('work'));
await mkdir(work, { recursive: true });
const only = given.only === undefined ? undefined : new RegExp(given.only);
console.log('| pipeline | bits per weight | perplexity | seconds | peak memory, MB |');
console.log('| --- | ---: | ---: | ---: | ---: |');
for (const row of familyRows(Number(required('group')))) {
  if (only && !only.test(row.name)) continue;
  const result = await measure(row, work);
  if (typeof result === 'string') console.log(`| ${row.name} | | ${result.replaceAll('|', '\\|')} | | |`);
  else {
    const { bitsPerWeight, evaluations, seconds, peakMemory } = result;
    const perplexity = evaluations[0].after.perplexity.toFixed(3);
    console.log(
      `| ${row.name} | ${bitsPerWeight.toFixed(3)} | ${perplexity} | ${seconds.toFixed(1)} | ${(peakMemory / 1e6).toFixed(0)} |`,
    );
  }
}
