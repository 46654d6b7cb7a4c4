import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnsPerGroup, groupCount, groupSizeObjection, groupSizeSchema, rowsPerScale } from './group-size.ts';

test('an objection names near sizes that divide', () => {
  expect(groupSizeObjection(576, 64)).toBeUndefined();
  expect(groupSizeObjection(576, 'channel')).toBeUndefined();
  expect(groupSizeObjection(576, 128)).toBe(
    '576 input columns cannot be cut into groups of 128; use a group size that divides them (64, 96, 192) or "channel".',
  );
  expect(groupSizeObjection(10, 4)).toContain('(2, 5, 10)');
  expect(() => columnsPerGroup(576, 128)).toThrow(/64, 96, 192/);
});

test('sizes that are offered divide', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 5000 }), (columns, size) => {
      const objection = groupSizeObjection(columns, size);
      if (objection === undefined) return columns % size === 0;
      const offered = /\((.*)\)/.exec(objection)![1].split(', ').map(Number);
      return columns % size !== 0 && offered.length > 0 && offered.every((other) => columns % other === 0);
    }),
  );
});

test('recipes write a number or a word', () => {
  expect(groupSizeSchema.parse(64)).toBe(64);
  expect(groupSizeSchema.parse('tensor')).toBe('tensor');
  expect(groupSizeSchema.parse({ flattened: 64 })).toEqual({ flattened: 64 });
  expect(groupSizeSchema.parse({ block: [128, 64] })).toEqual({ block: [128, 64] });
  for (const wrong of [-1, 0, 1.5, 'row', { flattened: 0 }, { blocks: 64 }, { block: 64 }, { block: [0, 1] }])
    expect(groupSizeSchema.safeParse(wrong).error?.issues[0].message).toMatch(/write -1/);
});

test('flattened blocks have parts that divide rows', () => {
  expect(groupSizeObjection(10, { flattened: 4 })).toBeUndefined();
  expect(columnsPerGroup(10, { flattened: 4 })).toBe(2);
  expect(columnsPerGroup(128, { flattened: 64 })).toBe(64);
  expect(columnsPerGroup(7, { flattened: 64 })).toBe(1);
});

test('blocks divide columns; the last rows may fill none', () => {
  expect(groupSizeObjection(576, { block: [128, 128] })).toMatch(/groups of 128; .*64, 96, 192/);
  expect(groupSizeObjection(256, { block: [128, 128] })).toBeUndefined();
  expect(columnsPerGroup(256, { block: [100, 128] })).toBe(128);
  expect(groupCount([250, 256], { block: [100, 128] })).toBe(6);
  expect(rowsPerScale({ block: [100, 128] })).toBe(100);
});
