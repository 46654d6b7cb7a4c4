import { ggufFault } from './gguf-fault.ts';

/**
 * The most that metadata and tensor list may take: vocabularies of 256,000 tokens with their merges need 20 MB, and what a file claims
 * must not decide how much memory its reader takes.
 */
export const MAX_HEADER_BYTES = 100_000_000;

/** The header goes on behind the bytes at hand: its reader comes again with more of the file. */
export class HeaderContinues extends Error {}

/** Reads little-endian values one after another from the first bytes of a file that has `fileSize` of them. */
export interface ByteCursor {
  position(): number;
  uint32(): number;
  int32(): number;
  /** A count, a length or an offset. Throws `gguf-count` beyond 2^53 - 1. */
  natural(what: string): number;
  /** The next `length` bytes, not copied. Throws `gguf-truncated`, `gguf-header-too-large` or {@link HeaderContinues}. */
  bytes(length: number, what: string): Uint8Array;
  /** Throws `gguf-truncated` unless the rest of the file has room for `count` things of at least `least` bytes each. */
  expectRoom(count: number, least: number, what: string): void;
  /** A length, then UTF-8. Throws `gguf-string` where it is none. */
  string(what: string): string;
}

export function createByteCursor(head: Uint8Array, fileSize: number, file: string): ByteCursor {
  let at = 0;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  const take = (length: number, what: string) => {
    const start = at;
    const end = start + length;
    if (end > fileSize) {
      throw ggufFault('truncated', `The file ends at byte ${fileSize}, inside of ${what}: get it again.`, file);
    }
    if (end > MAX_HEADER_BYTES) {
      throw ggufFault(
        'header-too-large',
        `Metadata and tensor list take more than ${MAX_HEADER_BYTES / 1e6} MB: no model needs that.`,
        file,
      );
    }
    if (end > head.byteLength) throw new HeaderContinues();
    at = end;
    return start;
  };

  const cursor: ByteCursor = {
    position: () => at,
    uint32: () => view.getUint32(take(4, 'a number'), true),
    int32: () => view.getInt32(take(4, 'a number'), true),
    natural(what) {
      const value = view.getBigUint64(take(8, what), true);
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
        throw ggufFault('count', `The file claims ${value} for ${what}, more than any file holds.`, file);
      }
      return Number(value);
    },
    bytes(length, what) {
      const start = take(length, what);
      return head.subarray(start, start + length);
    },
    expectRoom(count, least, what) {
      if (count * least <= fileSize - at) return;
      throw ggufFault(
        'truncated',
        `The file claims ${count} ${what}, but ends at byte ${fileSize}: get it again.`,
        file,
      );
    },
    string(what) {
      const bytes = cursor.bytes(cursor.natural(`the length of ${what}`), what);
      try {
        return decoder.decode(bytes);
      } catch {
        throw ggufFault('string', `The bytes of ${what} are not valid UTF-8: the file is damaged.`, file);
      }
    },
  };
  return cursor;
}
