import { defineConfig } from 'vitest/config';

const condition = '@compress/source';
const flag = `--conditions=${condition}`;

export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        // Packages are tested from source, never through dist, and so are the workers and programs that tests start.
        resolve: { conditions: [condition] },
        ssr: { resolve: { conditions: [condition, 'module', 'node', 'import', 'default'] } },
        test: {
          name: 'source',
          include: ['{packages,apps,benchmarks,fuzz}/**/*.test.ts', 'workspace/*.test.ts'],
          setupFiles: ['workspace/fail-on-console.ts'],
          execArgv: [flag],
          env: { NODE_OPTIONS: flag },
        },
      },
      {
        // What is published, as its consumers meet it.
        test: {
          name: 'packages',
          include: ['workspace/packages/*.test.ts'],
          globalSetup: 'workspace/packages/pack.ts',
        },
      },
    ],
  },
});
