import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Packages are tested from source, never through dist.
  resolve: { conditions: ['@compress/source'] },
  ssr: { resolve: { conditions: ['@compress/source', 'module', 'node', 'import', 'default'] } },
  test: {
    include: ['{packages,apps,benchmarks}/**/*.test.ts'],
    execArgv: ['--conditions=@compress/source'],
    testTimeout: 60_000,
    maxWorkers: 2,
  },
});
