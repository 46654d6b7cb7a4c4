import { expect, it } from 'vitest';
import { formatTable } from './table.ts';
import { formatBytes, formatCount, formatError, formatSeconds } from './units.ts';

it('writes quantities as people read them', () => {
  expect([0, 999, 1000, 8_397_272, 269_060_280, 1.5e12].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.00 kB',
    '8.40 MB',
    '269 MB',
    '1.50 TB',
  ]);
  expect([0, 812, 4_196_608, 134_515_008].map(formatCount)).toEqual(['0', '812', '4.20 M', '135 M']);
  expect([0.004, 0.42, 1.23, 9.97, 59.6, 185, 7799].map(formatSeconds)).toEqual([
    '0.00 s',
    '0.42 s',
    '1.2 s',
    '10 s',
    '1 min 00 s',
    '3 min 05 s',
    '2 h 10 min',
  ]);
  expect([0, 1234, 0.0123, 1.234e-5].map(formatError)).toEqual(['0', '1234', '0.0123', '1.23e-5']);
});

it('aligns a table', () => {
  const columns = [
    { title: 'layer', align: 'left' },
    { title: 'bits', align: 'right' },
  ] as const;
  expect(
    formatTable(columns, [
      ['a', '4.25'],
      ['long name', '16'],
    ]),
  ).toBe('layer      bits\n─────────  ────\na          4.25\nlong name    16');
});
