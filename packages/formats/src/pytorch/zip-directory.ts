import { pytorchFault, quote } from './pytorch-fault.ts';

/** One file of an archive, as its central directory describes it. */
export interface ZipEntry {
  readonly name: string;
  readonly bytes: number;
  /** Where its local header begins. */
  readonly header: number;
}

/** Where the central directory lies, and how many entries it has. */
export interface ZipDirectory {
  readonly start: number;
  readonly bytes: number;
  readonly entries: number;
}

/** The end record without a comment, and before it, in large archives, the 64-bit locator and record. */
export const END_BYTES = 22;
export const LOCATOR_BYTES = 20;
export const END64_BYTES = 56;
/** A local header before its name and extra field. */
export const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;

const END = 0x06054b50;
const LOCATOR = 0x07064b50;
const END64 = 0x06064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

/** A 32-bit field of this value, or a 16-bit one, says that the true one is 64 bits wide and elsewhere. */
const ELSEWHERE = 0xffff_ffff;
const EXTRA64 = 1;

/**
 * The directory that the last bytes of a file tell of (PKWARE's APPNOTE 6.3, sections 4.3.14 to 4.3.16); `tail` ends where the file of `fileSize` bytes
 * does. An archive that torch wrote has no comment, so the record is the last that there is. Throws `CompressError` `pytorch-zip`.
 */
export function readZipEnd(tail: Uint8Array, fileSize: number, file: string): ZipDirectory {
  const view = viewOf(tail);
  const end = tail.length - END_BYTES;
  if (end < 0 || view.getUint32(end, true) !== END || view.getUint16(end + 20, true) !== 0) {
    throw fault('The archive does not end as archives do: get the file again.', file);
  }
  const directory = readEnd64(view, end, fileSize, file) ?? {
    entries: view.getUint16(end + 10, true),
    bytes: view.getUint32(end + 12, true),
    start: view.getUint32(end + 16, true),
  };
  if (directory.start + directory.bytes > fileSize) throw fault('Its directory lies beyond the end of the file.', file);
  // An entry takes its record and a name.
  if (directory.entries * (CENTRAL_BYTES + 1) > directory.bytes) throw fault('It claims more entries than fit.', file);
  return directory;
}

function readEnd64(view: DataView, end: number, fileSize: number, file: string): ZipDirectory | undefined {
  const locator = end - LOCATOR_BYTES;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR) return undefined;
  const record = locator - END64_BYTES;
  const told = natural(view, locator + 8, file);
  if (record < 0 || view.getUint32(record, true) !== END64 || told !== fileSize - (view.byteLength - record)) {
    throw fault('Its 64-bit end record is not where it must be.', file);
  }
  return {
    entries: natural(view, record + 32, file),
    bytes: natural(view, record + 40, file),
    start: natural(view, record + 48, file),
  };
}

/**
 * The entries of a directory. Only what torch writes is taken: stored as it is (no compression, no encryption), each name once. Throws `CompressError`
 * `pytorch-zip`, `pytorch-compressed`.
 */
export function readZipDirectory(bytes: Uint8Array, count: number, file: string): ReadonlyMap<string, ZipEntry> {
  const view = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > bytes.length || view.getUint32(at, true) !== CENTRAL) {
      throw fault(`Entry ${i} of its directory is not where it must be.`, file);
    }
    const nameEnd = at + CENTRAL_BYTES + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > bytes.length) throw fault(`Entry ${i} of its directory goes beyond the end.`, file);
    const name = Buffer.from(bytes.subarray(at + CENTRAL_BYTES, nameEnd)).toString();
    if (entries.has(name)) throw fault(`It has ${quote(name)} twice.`, file);
    entries.set(name, readEntry(view, at, { name, nameEnd, extraEnd }, file));
    at = next;
  }
  return entries;
}

function readEntry(
  view: DataView,
  at: number,
  { name, nameEnd, extraEnd }: { readonly name: string; readonly nameEnd: number; readonly extraEnd: number },
  file: string,
): ZipEntry {
  const encrypted = (view.getUint16(at + 8, true) & 1) === 1;
  if (encrypted || view.getUint16(at + 10, true) !== 0) {
    throw pytorchFault(
      'compressed',
      `${quote(name)} is compressed or encrypted, which torch does not do: save it with torch again.`,
      file,
    );
  }
  const wide = wideFields(view, nameEnd, extraEnd, file);
  const field = (offset: number) => {
    const value = view.getUint32(at + offset, true);
    if (value !== ELSEWHERE) return value;
    const next = wide.shift();
    if (next === undefined) throw fault(`The size of ${quote(name)} is missing.`, file);
    return next;
  };
  // In the order in which the 64-bit fields stand in for them.
  const bytes = field(24);
  const stored = field(20);
  const header = field(42);
  if (bytes !== stored) throw fault(`${quote(name)} has two sizes, though it is not compressed.`, file);
  return { name, bytes, header };
}

/** The numbers of the 64-bit extra field (APPNOTE 4.5.3), empty where there is none. */
function wideFields(view: DataView, from: number, to: number, file: string): number[] {
  for (let at = from; at + 4 <= to; ) {
    const end = at + 4 + view.getUint16(at + 2, true);
    if (end > to) break;
    if (view.getUint16(at, true) === EXTRA64) {
      const numbers: number[] = [];
      for (let field = at + 4; field + 8 <= end; field += 8) numbers.push(natural(view, field, file));
      return numbers;
    }
    at = end;
  }
  return [];
}

/** Where an entry's bytes begin, from its local header, whose extra field torch fills up to align them. Throws `CompressError` `pytorch-zip`. */
export function dataStart(local: Uint8Array, entry: ZipEntry, fileSize: number, file: string): number {
  const view = viewOf(local);
  if (local.length < LOCAL_BYTES || view.getUint32(0, true) !== LOCAL) {
    throw fault(`${quote(entry.name)} is not where its directory says.`, file);
  }
  const start = entry.header + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + entry.bytes > fileSize)
    throw fault(`${quote(entry.name)} goes beyond the end of the file: get it again.`, file);
  return start;
}

function natural(view: DataView, at: number, file: string): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw fault('It claims more than any file holds.', file);
  return Number(value);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fault(message: string, file: string) {
  return pytorchFault('zip', message, file);
}
