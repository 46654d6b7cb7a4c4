import { decodeHalf, encodeHalf } from '@compress/kernels';
import type { CodedGroup } from './cache-codec.ts';
import type { CacheUnit } from './cache-unit.ts';

/** How the groups of one unit lie in memory: codes as a bit stream, LSB first, then scale and minimum in f16 where they are stored, then outliers. */
export interface UnitBytes {
  /** Bytes of a unit. */
  readonly size: number;
  write(group: CodedGroup, index: number, bytes: Uint8Array): void;
  read(index: number, bytes: Uint8Array): CodedGroup;
}

/** The layout of all units of one side. */
export function unitBytes({ groups, group, codec }: CacheUnit): UnitBytes {
  const { bits, stores, outliers } = codec;
  const length = group(0).codes.length;
  const codeBytes = Math.ceil((length * bits) / 8);
  const groupBytes = codeBytes + 2 * Number(stores.scale) + 2 * Number(stores.minimum) + 4 * outliers;
  return {
    size: groups * groupBytes,
    write({ codes, scale, minimum, outliers: places, outlierValues }, index, bytes) {
      let at = index * groupBytes;
      bytes.fill(0, at, at + codeBytes);
      for (const [i, code] of codes.entries()) {
        const bit = i * bits;
        const both = code << (bit & 7);
        bytes[at + (bit >> 3)] |= both & 255;
        if (both > 255) bytes[at + (bit >> 3) + 1] |= both >> 8;
      }
      at += codeBytes;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const put = (value: number) => {
        view.setUint16(at, value, true);
        at += 2;
      };
      if (stores.scale) put(encodeHalf(scale, 'f16'));
      if (stores.minimum) put(encodeHalf(minimum, 'f16'));
      for (const [i, place] of places.entries()) {
        put(place);
        put(encodeHalf(outlierValues[i], 'f16'));
      }
    },
    read(index, bytes) {
      const coded = group(index);
      let at = index * groupBytes;
      for (let i = 0; i < length; i++) {
        const bit = i * bits;
        const first = at + (bit >> 3);
        const both = bytes[first] | ((bit & 7) + bits > 8 ? bytes[first + 1] << 8 : 0);
        coded.codes[i] = (both >> (bit & 7)) & (2 ** bits - 1);
      }
      at += codeBytes;
      const take = () => bytes[at++] | (bytes[at++] << 8);
      if (stores.scale) coded.scale = decodeHalf(take(), 'f16');
      if (stores.minimum) coded.minimum = decodeHalf(take(), 'f16');
      for (let i = 0; i < outliers; i++) {
        coded.outliers[i] = take();
        coded.outlierValues[i] = decodeHalf(take(), 'f16');
      }
      return coded;
    },
  };
}
