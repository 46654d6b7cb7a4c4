import { defineConfig } from 'tsup';

// No shared chunks: their names change with every build, and old ones would be published too.
export default defineConfig({
  entry: { index: 'src/index.ts', main: 'src/main.ts', 'tokenize-process': 'src/text/tokenize-process.ts' },
  format: 'esm',
  sourcemap: true,
  clean: false,
  splitting: false,
  // Optional dependencies are none that tsup leaves out by itself.
  external: ['bullmq', 'ioredis'],
});
