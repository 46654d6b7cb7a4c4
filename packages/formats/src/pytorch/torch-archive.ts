import type { OpenedFile } from '@compress/core';
import { pytorchFault, quote } from './pytorch-fault.ts';
import {
  dataStart,
  END_BYTES,
  END64_BYTES,
  LOCAL_BYTES,
  LOCATOR_BYTES,
  readZipDirectory,
  readZipEnd,
  type ZipEntry,
} from './zip-directory.ts';

/** A directory of 100,000 tensors takes 8 MB, their pickle 20 MB. */
const MAX_PART_BYTES = 64 << 20;
const LOCAL_FILE = 0x04034b50;

/** The zip archive that `torch.save` writes: `<name>/data.pkl` and the storages `<name>/data/<key>`. */
export interface TorchArchive {
  readonly pickle: Uint8Array;
  /** Size of the storage `key`, or undefined where there is none. */
  storageBytes(key: string): number | undefined;
  /** Bytes [start, end) of the storage `key`. */
  readStorage(key: string, start: number, end: number): Promise<Uint8Array>;
}

/**
 * Opens the archive in a file: reads its directory and its pickle. Throws `CompressError` `pytorch-legacy` for a file that is no
 * archive, `pytorch-zip`, `pytorch-compressed`, `pytorch-too-large`.
 */
export async function openTorchArchive(opened: OpenedFile, file: string): Promise<TorchArchive> {
  const { size } = opened;
  const first = await opened.read(0, Math.min(4, size));
  if (first.length < 4 || new DataView(first.buffer).getUint32(0, true) !== LOCAL_FILE) {
    throw pytorchFault(
      'legacy',
      'This is no archive of torch 1.6 or newer: load it with torch and save it again, torch.save(torch.load(file, weights_only=True), file), or as safetensors.',
      file,
    );
  }
  const tail = Math.min(size, END_BYTES + LOCATOR_BYTES + END64_BYTES);
  const directory = readZipEnd(await opened.read(size - tail, tail), size, file);
  requireSmall(directory.bytes, 'directory', file);
  const bytes = await opened.read(directory.start, directory.bytes);
  const entries = readZipDirectory(bytes, directory.entries, file);
  const pickles = [...entries.keys()].filter((name) => /^[^/]*\/data\.pkl$/.test(name));
  if (pickles.length !== 1) throw pytorchFault('zip', 'There is no one data.pkl in it: torch did not write it.', file);
  const root = pickles[0].slice(0, -'data.pkl'.length);

  const readEntry = async (entry: ZipEntry, start: number, end: number): Promise<Uint8Array> => {
    const local = await opened.read(entry.header, Math.min(LOCAL_BYTES, Math.max(0, size - entry.header)));
    const from = dataStart(local, entry, size, file);
    return opened.read(from + start, end - start);
  };
  const whole = async (name: string): Promise<Uint8Array | undefined> => {
    const entry = entries.get(`${root}${name}`);
    if (entry === undefined) return undefined;
    requireSmall(entry.bytes, name, file);
    return readEntry(entry, 0, entry.bytes);
  };

  const order = await whole('byteorder');
  if (order !== undefined && Buffer.from(order).toString() !== 'little') {
    throw pytorchFault('zip', 'Its numbers are big-endian: save it on a little-endian machine.', file);
  }
  const pickle = (await whole('data.pkl'))!;
  const storage = (key: string) => entries.get(`${root}data/${key}`);
  return {
    pickle,
    storageBytes: (key) => storage(key)?.bytes,
    readStorage(key, start, end) {
      const entry = storage(key);
      if (entry === undefined) throw pytorchFault('storage', `There is no storage ${quote(key)}.`, file);
      return readEntry(entry, start, end);
    },
  };
}

function requireSmall(bytes: number, what: string, file: string): void {
  if (bytes <= MAX_PART_BYTES) return;
  throw pytorchFault('too-large', `Its ${what} has more than ${MAX_PART_BYTES >> 20} MB: no model needs that.`, file);
}
