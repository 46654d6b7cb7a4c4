import { base64ToBytes } from './base64.ts';

/**
 * The builds of `assembly/`. `fma-wide` computes the same bits as `fma` with a 5x16 tile, which is faster only where the engine makes
 * 256-bit registers of pairs of vectors: see `choose-build.ts`.
 */
export type Build = 'mul-add' | 'fma' | 'fma-wide';

/** A build's WASM bytes. Each is a module of its own, so that a program loads only what it runs. */
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
