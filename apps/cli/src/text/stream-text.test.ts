import { openTokenizer } from '@compress/models';
import { expect, it } from 'vitest';
import { DEMO_MODEL } from '../demo-model.ts';
import { streamText } from './stream-text.ts';

it('gives the text in pieces that are whole characters, and in the end what was held back', async () => {
  const tokenizer = await openTokenizer(DEMO_MODEL);
  const prompt = tokenizer.encode('Fellow citizens,', { special: true });
  const text = ' of the “Union” — größer, 日本 🙂 …';
  const tokens = tokenizer.encode(text, { special: false });
  const stream = streamText(tokenizer, prompt);
  const pieces = [...tokens].map((token) => stream.push(token));
  expect(pieces.join('')).toBe(text);
  expect(pieces.join('')).not.toContain('\uFFFD');
  expect(pieces).toContain('');
  expect(stream.end()).toBe('');

  // Cut within the smile: its first bytes are shown as what they are at the end alone.
  const cut = streamText(tokenizer, prompt);
  const smile = tokenizer.encode('🙂', { special: false });
  expect([...smile.subarray(0, -1)].map((token) => cut.push(token)).join('')).toBe('');
  expect(cut.end()).toMatch(/^\uFFFD+$/);
});
