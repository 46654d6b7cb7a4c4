import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './run.ts';

const PACKAGES = globSync(['packages/*/package.json', 'apps/*/package.json'], { cwd: ROOT }).map(
  (file): string => JSON.parse(readFileSync(join(ROOT, file), 'utf8')).name,
);

// The tool reads them when a version is made, months after one was written wrongly.
test.each(globSync('.changeset/*.md', { cwd: ROOT }))('%s names packages, how they change, and what is new', (file) => {
  const [, head, text] = /^---\n(.*?)\n---\n\n(.+)$/s.exec(readFileSync(join(ROOT, file), 'utf8')) ?? [];
  expect(text?.trim()).toBeTruthy();
  for (const line of head.split('\n')) {
    const [, name] = /^['"](.+)['"]: (?:patch|minor|major)$/.exec(line) ?? [];
    expect(PACKAGES, line).toContain(name);
  }
});
