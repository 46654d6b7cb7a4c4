import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { sha256OfFile } from '../checkpoint/sha256-of-file.ts';
import type { Manifest } from '../manifest/manifest.ts';

export const CONFIG_FILE = 'config.json';

/** Files of a model's folder that go with its weights whatever becomes of them: tokenizer, generation, chat template, licence. */
const CARRIED: readonly RegExp[] = [
  /^tokenizer.*\.(json|model)$/,
  /^(vocab|merges|added_tokens|special_tokens_map|generation_config|preprocessor_config|processor_config)\.(json|txt)$/,
  /^chat_template\./,
  /^(spiece|sentencepiece.*)\.model$/,
  /\.tiktoken$/,
  /^(LICENSE|LICENCE|NOTICE|USE_POLICY)/i,
];

/** Names of the files in a model's folder that are copied to the output as they are, sorted. */
export async function carriedFiles(source: string): Promise<string[]> {
  const names = (await readdir(source)).filter((name) => CARRIED.some((pattern) => pattern.test(name))).sort();
  const isFile = await Promise.all(names.map(async (name) => (await stat(join(source, name))).isFile()));
  return names.filter((_, i) => isFile[i]);
}

/** Length and sha256 of everything that a run reads: the checkpoint's files, config.json and what is copied. */
export async function hashInputs(source: string, checkpoint: Checkpoint): Promise<Manifest['inputs']> {
  const others = [CONFIG_FILE, ...(await carriedFiles(source))].map((name) => join(source, name));
  return hashFiles([...checkpoint.files, ...others]);
}

/** By file name, sorted. */
export async function hashFiles(paths: readonly string[]): Promise<Manifest['outputs']> {
  const files: Manifest['outputs'] = {};
  for (const path of [...paths].sort())
    files[basename(path)] = { bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
  return files;
}
