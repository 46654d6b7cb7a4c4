import { defineConfig } from 'tsup';

// No shared chunks: their names change with every build, and old ones would be published too.
export default defineConfig({
  entry: ['src/index.ts', 'src/main.ts'],
  format: 'esm',
  sourcemap: true,
  clean: false,
  splitting: false,
});
