import { expect, it } from 'vitest';
import { plainProgress, secondsLeft, terminalProgress } from './progress.ts';

function stream(columns = 80) {
  const written: string[] = [];
  return { written, columns, write: (text: string) => written.push(text) };
}

it('writes one line a tenth where there is no terminal', () => {
  const target = stream();
  const progress = plainProgress(target);
  for (let i = 0; i <= 40; i++) progress.update({ label: 'Compressing', share: i / 40, secondsLeft: 80 - 2 * i });
  expect(target.written).toHaveLength(11);
  expect(target.written[0]).toBe('Compressing:   0 % · 1 min 20 s left\n');
  expect(target.written[10]).toBe('Compressing: 100 %\n');
  progress.update({ label: 'Perplexity', share: 0 });
  expect(target.written[11]).toBe('Perplexity:   0 %\n');
});

it('rewrites one line of a terminal, no wider than it is, and leaves none behind', () => {
  const target = stream(40);
  let time = 0;
  const progress = terminalProgress(target, () => time);
  progress.update({ label: 'Compressing', share: 0.5, detail: 'blocks.3', secondsLeft: 12 });
  progress.update({ label: 'Compressing', share: 0.51 });
  expect(target.written).toHaveLength(1);
  expect(target.written[0]).toContain(`Compressing ${'━'.repeat(12)}─`);
  expect(target.written[0].length).toBe('\r\x1b[K'.length + 39);
  time = 200;
  progress.log('a warning');
  expect(target.written.slice(1, 3)).toEqual(['\r\x1b[K', 'a warning\n']);
  progress.clear();
  expect(target.written.at(-1)).toBe('\r\x1b[K');
  progress.clear();
  expect(target.written.filter((text) => text === '\r\x1b[K')).toHaveLength(2);
});

it('says nothing of the time left before it knows', () => {
  expect(secondsLeft(0.01, 3)).toBeUndefined();
  expect(secondsLeft(0.25, 10)).toBe(30);
});
