/**
 * Runs every consumer that is installed on folders made of the demo model, and says loudly which are not.
 *
 *     pnpm consumers [--environments FOLDER]
 *
 * FOLDER holds a virtual environment for each format, as `VENV=FOLDER/gptq benchmarks/consumers/run.sh ...` leaves it, and `transformers-js`, as MODULES does for its
 * own `run.sh` (default: ~/.cache/compress-consumers). Exit status 1 if one disagrees.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

interface Consumer {
  readonly format: string;
  readonly step: string;
  /** The folder of its environment, and what is in there once it is installed. */
  readonly environment: string;
  readonly installed: string;
  /** Beside this file, with its arguments, and the variable that gives it the environment. */
  readonly script: (folder: string, text: string, result: string) => readonly string[];
  readonly variable: 'VENV' | 'MODULES';
}

const TOKENS = 128;
const python = (format: string, step: string): Consumer => ({
  format,
  step,
  environment: format,
  installed: 'bin/python',
  script: (folder, text, result) => ['run.sh', folder, text, `${TOKENS}`, result],
  variable: 'VENV',
});
const consumers: readonly Consumer[] = [
  python('dense', 'rtn: { grid: nf4, groupSize: 64 }'),
  python('gptq', 'rtn: { grid: int4-asym, groupSize: 128 }'),
  python('compressed-tensors', 'rtn: { grid: int4, groupSize: 128 }'),
  python('awq', 'rtn: { grid: int4-asym, groupSize: 128 }'),
  python('bitsandbytes', 'rtn: { grid: nf4, groupSize: 64 }'),
  python('mlx', 'rtn: { grid: int4, groupSize: 64 }'),
  {
    format: 'onnx',
    step: 'rtn: { grid: int4, groupSize: 64 }',
    environment: 'transformers-js',
    installed: 'node_modules',
    script: (folder, _text, result) => ['transformers-js/run.sh', folder, result],
    variable: 'MODULES',
  },
];

/** Where environments lie, or the end with one sentence. */
function environmentsFolder(): string {
  try {
    const place = { type: 'string', default: join(homedir(), '.cache/compress-consumers') } as const;
    return parseArgs({ options: { environments: place } }).values.environments;
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    process.exit(2);
  }
}

const environments = environmentsFolder();
const root = resolve(import.meta.dirname, '../..');
const text = join(root, 'benchmarks/data/demo/evaluation.txt');
const node = ['--conditions=@compress/source'];

/** Its output goes to the terminal; true if it ended well. */
function runs(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): boolean {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } });
  return status === 0;
}

if (!existsSync(text) && !runs(process.execPath, [...node, 'benchmarks/inputs/write.ts', 'demo']))
  throw new Error('The texts of the demo model cannot be made.');

const told: string[] = [];
const scratch = await mkdtemp(join(tmpdir(), 'compress-consumers-'));
let disagree = 0;
try {
  for (const { format, step, environment, installed, script, variable } of consumers) {
    const place = resolve(environments, environment);
    if (!existsSync(join(place, installed))) {
      told.push(
        `SKIPPED    ${format}: ${place} has no ${installed}; README.md beside this program says how to install it`,
      );
      continue;
    }
    const [recipe, folder, result] = ['yaml', 'model', 'txt'].map((end) => join(scratch, `${format}.${end}`));
    await writeFile(
      recipe,
      `model: ${join(root, 'apps/cli/demo-model')}\noutput: ${folder}\npipeline:\n  - ${step}\nformat: ${format}\n`,
    );
    const [file, ...args] = script(folder, text, result);
    const agrees =
      runs(process.execPath, [...node, 'apps/cli/src/main.ts', 'run', recipe]) &&
      runs('bash', [join(import.meta.dirname, file), ...args], { [variable]: place });
    if (!agrees) disagree++;
    told.push(`${agrees ? 'agrees    ' : 'DISAGREES '} ${format}`);
  }
} finally {
  await rm(scratch, { recursive: true });
}
// llama.cpp and onnxruntime are packages of the workspace: their tests say themselves if they are not here.
const tested = runs('pnpm', ['exec', 'vitest', 'run', '--project', 'source', 'benchmarks/consumers']);
if (!tested) disagree++;
told.push(`${tested ? 'agree     ' : 'DISAGREE  '} llama.cpp and onnxruntime, by their tests`);
console.log(`\n${told.join('\n')}`);
if (disagree > 0) process.exitCode = 1;
