import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { sha256OfFile } from '../checkpoint/sha256-of-file.ts';
import { folderFile } from '../folder/folder-file.ts';
import { CONFIG_FILE } from '../folder/read-model-config.ts';
import type { Manifest } from '../manifest/manifest.ts';

/** Files of a model's folder that go with its weights whatever becomes of them: tokenizer, generation, chat template, licence. */
const CARRIED: readonly RegExp[] = [
  /^tokenizer.*\.(json|model)$/,
  /^(vocab|merges|added_tokens|special_tokens_map|generation_config|preprocessor_config|processor_config)\.(json|txt)$/,
  /^chat_template\./,
  /^README\.base\.md$/,
  /^(spiece|sentencepiece.*)\.model$/,
  /\.tiktoken$/,
  /^(LICENSE|LICENCE|NOTICE|USE_POLICY)/i,
];

/** The model's own card, and its name in an output, which has a card of its own. A folder that has both is an output itself. */
const CARD = 'README.md';
const BASE_CARD = 'README.base.md';

/** A file that goes from the model's folder to the output as it is. */
export interface CarriedFile {
  readonly name: string;
  /** In the output. */
  readonly as: string;
}

/** Files in a model's folder that are copied to the output, sorted. Throws as {@link folderFile}: what is copied may be published. */
export async function carriedFiles(source: string): Promise<CarriedFile[]> {
  const entries = await readdir(source, { withFileTypes: true });
  const names = entries
    .filter(
      (entry) => !entry.isDirectory() && (entry.name === CARD || CARRIED.some((pattern) => pattern.test(entry.name))),
    )
    .map(({ name }) => name)
    .sort();
  for (const name of names) await folderFile(source, name);
  const kept = names.includes(BASE_CARD) ? names.filter((name) => name !== CARD) : names;
  return kept.map((name) => ({ name, as: name === CARD ? BASE_CARD : name }));
}

/** Length and sha256 of everything that a run reads: the checkpoint's files, config.json and what is copied. */
export async function hashInputs(source: string, checkpoint: Checkpoint): Promise<Manifest['inputs']> {
  const others = [CONFIG_FILE, ...(await carriedFiles(source)).map(({ name }) => name)].map((name) =>
    join(source, name),
  );
  return hashFiles([...checkpoint.files, ...others]);
}

/** By file name, sorted. */
export async function hashFiles(paths: readonly string[]): Promise<Manifest['outputs']> {
  const files: Manifest['outputs'] = {};
  for (const path of [...paths].sort())
    files[basename(path)] = { bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
  return files;
}
