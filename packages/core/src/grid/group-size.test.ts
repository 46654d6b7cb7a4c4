import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnsPerGroup, groupSizeObjection, groupSizeSchema } from './group-size.ts';

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
  for (const wrong of [-1, 0, 1.5, 'row'])
    expect(groupSizeSchema.safeParse(wrong).error?.issues[0].message).toMatch(/write -1/);
});
