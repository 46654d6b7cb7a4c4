/** 16-bit floats and back, over `count` numbers rounded up to eight: windows have room for that. */

import { fromF16, toBf16, toF16 } from './half-float-lanes';

export function decodeF16(source: usize, count: i32, target: usize): void {
  for (let end = source + (<usize>count << 1); source < end; source += 16) {
    const bits = v128.load(source);
    v128.store(target, fromF16(i32x4.extend_low_i16x8_u(bits)));
    v128.store(target, fromF16(i32x4.extend_high_i16x8_u(bits)), 16);
    target += 32;
  }
}

export function decodeBf16(source: usize, count: i32, target: usize): void {
  for (let end = source + (<usize>count << 1); source < end; source += 16) {
    const bits = v128.load(source);
    v128.store(target, i32x4.shl(i32x4.extend_low_i16x8_u(bits), 16));
    v128.store(target, i32x4.shl(i32x4.extend_high_i16x8_u(bits), 16), 16);
    target += 32;
  }
}

export function encodeF16(source: usize, count: i32, target: usize): void {
  for (let end = source + (<usize>count << 2); source < end; source += 32) {
    v128.store(target, i16x8.narrow_i32x4_u(toF16(v128.load(source)), toF16(v128.load(source, 16))));
    target += 16;
  }
}

export function encodeBf16(source: usize, count: i32, target: usize): void {
  for (let end = source + (<usize>count << 2); source < end; source += 32) {
    v128.store(target, i16x8.narrow_i32x4_u(toBf16(v128.load(source)), toBf16(v128.load(source, 16))));
    target += 16;
  }
}
