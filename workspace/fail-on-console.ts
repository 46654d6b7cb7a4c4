import { afterEach, beforeEach, expect, vi } from 'vitest';

/**
 * A warning that no test expected fails the test that caused it. A test that expects one puts a spy of its own in place; one that is
 * skipped for want of something says so outside of any test, or in a message that starts with "skip".
 */
const allowed = (message: unknown) => typeof message === 'string' && /^skip/i.test(message);

let unexpected: string[] = [];

beforeEach(() => {
  unexpected = [];
  for (const method of ['warn', 'error'] as const) {
    const original = console[method];
    vi.spyOn(console, method).mockImplementation((...values: unknown[]) => {
      original(...values);
      if (!allowed(values[0])) unexpected.push(`console.${method}: ${values.map(String).join(' ')}`);
    });
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  expect(unexpected).toEqual([]);
});
