import { open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../checkpoint/atomic-file.ts';
import { CompressError } from '../errors.ts';
import type { Inference } from '../inference/inference.ts';
import { differences, type Identity } from './identity.ts';
import type { LayerRecord, WarningRecord } from './reporter.ts';

const JOURNAL_FILE = 'journal.jsonl';

/** One finished section. */
export interface SectionRecord {
  readonly section: string;
  /** The checkpoint of its new tensors, in the work folder; absent if there are none. */
  readonly folder?: string;
  /** Tensors of the input that are no longer there, unless the file has them again. */
  readonly replaced: readonly string[];
  /** By Linear, where they are on several: the name of the grid that it is on. */
  readonly grids?: Readonly<Record<string, string>>;
  /** What the section's forward pass does beside the ordinary one. */
  readonly inference?: Inference;
  readonly layers: readonly LayerRecord[];
  readonly warnings: readonly WarningRecord[];
  readonly seconds: number;
}

/** What is finished of a run: a line of JSON for its identity, and one for each section. */
export interface Journal {
  readonly records: readonly SectionRecord[];
  /** Returns when the line would survive a power cut. */
  append(record: SectionRecord): Promise<void>;
}

/**
 * The journal in `folder`, or a new one. A last line that a kill cut off is dropped. Throws `CompressError` `journal-mismatch` if it
 * belongs to another run, `journal-damaged` if it cannot be read.
 */
export async function openJournal(folder: string, identity: Identity): Promise<Journal> {
  const path = join(folder, JOURNAL_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) await writeFileAtomic(path, `${JSON.stringify(identity)}\n`);
  const lines = (text ?? '').split('\n');
  const cut = lines.pop() ?? '';
  if (cut !== '') await truncate(path, Buffer.byteLength(text!) - Buffer.byteLength(cut));
  const [first, ...records] = lines.map((line) => parse(line, path, folder));
  if (first !== undefined) requireSame(first as Identity, identity, folder);
  return {
    records: records as SectionRecord[],
    async append(record) {
      const handle = await open(path, 'a');
      try {
        await handle.writeFile(`${JSON.stringify(record)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
  };
}

function parse(line: string, file: string, folder: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new CompressError(
      'journal-damaged',
      `The journal cannot be read; delete ${folder} to start anew.`,
      { file },
      { cause },
    );
  }
}

function requireSame(journal: Identity, request: Identity, folder: string): void {
  const found = differences(journal, request);
  if (found.length === 0) return;
  throw new CompressError(
    'journal-mismatch',
    `An unfinished run of something else is here (${found.join('; ')}): start that one again to finish it, or delete the folder to start anew.`,
    { file: folder },
  );
}
