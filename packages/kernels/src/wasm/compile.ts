import { base64ToBytes } from './base64.ts';
import { WebAssembly } from './web-assembly.ts';

/** The builds of `assembly/`, from slowest to fastest; see {@link compileBuild}. */
export type Build = 'mul-add' | 'fma' | 'fma-wide';

/** A build's WASM bytes. Each is a module of its own, so that a program loads only the one it runs. */
export async function buildBytes(build: Build): Promise<Uint8Array<ArrayBuffer>> {
  switch (build) {
    case 'mul-add':
      return base64ToBytes((await import('../generated/mul-add.ts')).default);
    case 'fma':
      return base64ToBytes((await import('../generated/fma.ts')).default);
    case 'fma-wide':
      return base64ToBytes((await import('../generated/fma-wide.ts')).default);
  }
}

/** Whether this engine has relaxed SIMD, hence the `fma` builds. */
export const supportsFma = async () => WebAssembly.validate(await buildBytes('fma'));

/** Compiles a build as this engine is set. */
export const compileBuild = async (build: Build) => WebAssembly.compile(await buildBytes(build));
