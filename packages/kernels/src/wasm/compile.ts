import { type Build, buildBytes } from './builds.ts';
import { type WasmModule, WebAssembly } from './web-assembly.ts';

/** `process.versions` of Node proper; Bun and Deno imitate it, but have no V8 flags. */
const nodeVersions = (): NodeJS.ProcessVersions | undefined => {
  const versions = globalThis.process?.versions;
  return versions?.node && !('bun' in versions) && !('deno' in versions) ? versions : undefined;
};

/** Whether V8 here has the revectorizer, which makes AVX2 instructions of pairs of 128-bit ones. */
export function hasRevectorizer(): boolean {
  const versions = nodeVersions();
  return versions !== undefined && Number.parseInt(versions.node, 10) >= 24 && process.arch === 'x64';
}

/**
 * Compiles a build. Node's V8 would run the first calls in its baseline compiler, some twenty times slower, and swap functions one by
 * one; here everything is optimized at once (some 20 ms), under flags that are put back before anything else is compiled.
 */
export async function compile(build: Build, revectorize = false): Promise<WasmModule> {
  const bytes = await buildBytes(build);
  if (!nodeVersions()) return WebAssembly.compile(bytes);
  const { setFlagsFromString } = await import('node:v8');
  try {
    setFlagsFromString('--no-liftoff');
    setFlagsFromString('--no-wasm-lazy-compilation');
    if (revectorize) setFlagsFromString('--experimental-wasm-revectorize');
    // Not the asynchronous compile, during which anyone else could compile under these flags.
    return new WebAssembly.Module(bytes);
  } finally {
    setFlagsFromString('--liftoff');
    setFlagsFromString('--wasm-lazy-compilation');
    if (revectorize) setFlagsFromString('--no-experimental-wasm-revectorize');
  }
}
