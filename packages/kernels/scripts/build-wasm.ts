/**
 * Compiles `assembly/` and writes each build as a TypeScript module with the bytes in base64 under `src/generated/`.
 *
 *     node scripts/build-wasm.ts            write what changed
 *     node scripts/build-wasm.ts --check    fail if a committed module is stale
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import { type Tile, tileSource } from './tile-source.ts';

interface Build {
  readonly name: string;
  readonly features: string;
  readonly tile: Tile;
}

const BUILDS: Build[] = [
  { name: 'mul-add', features: 'simd', tile: { rows: 5, vectors: 2 } },
  { name: 'fma', features: 'simd,relaxed-simd', tile: { rows: 6, vectors: 2 } },
  { name: 'fma-wide', features: 'simd,relaxed-simd', tile: { rows: 5, vectors: 4 } },
];

const root = join(import.meta.dirname, '..');

async function compile(build: Build): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      'assembly/index.ts',
      ...[
        '--outFile',
        'kernels.wasm',
        '--runtime',
        'stub',
        '--importMemory',
        '--zeroFilledMemory',
        '--enable',
        build.features,
      ],
      ...['--optimizeLevel', '3', '--noAssert'],
    ],
    {
      readFile: async (path: string) =>
        path.replaceAll('\\', '/') === 'assembly/tile.ts'
          ? tileSource(build.tile)
          : readFile(join(root, path), 'utf8').catch(() => null),
      writeFile: (_path: string, contents: string | Uint8Array) => {
        if (typeof contents !== 'string') binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) throw new Error(`build ${build.name} failed\n${stderr}`, { cause: error });
  return binary;
}

const check = process.argv.includes('--check');
for (const build of BUILDS) {
  const file = join(root, 'src/generated', `${build.name}.ts`);
  const binary = await compile(build);
  const source = `// Written by scripts/build-wasm.ts from assembly/. Do not edit.\nexport default '${Buffer.from(binary).toString('base64')}';\n`;
  const current = (await readFile(file, 'utf8').catch(() => '')) === source;
  if (check && !current) {
    console.error(`${file} is stale: run \`node scripts/build-wasm.ts\` in packages/kernels`);
    process.exitCode = 1;
  }
  if (!check && !current) await writeFile(file, source);
  console.log(`${build.name}: ${binary.length} bytes${current ? '' : check ? ', stale' : ', written'}`);
}
