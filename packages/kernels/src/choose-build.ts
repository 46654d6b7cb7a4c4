import type { Numerics } from './kernels.ts';
import { sameBits, secondsOfProduct } from './self-test.ts';
import { type Build, buildBytes } from './wasm/builds.ts';
import { compile, hasRevectorizer } from './wasm/compile.ts';
import { instantiate } from './wasm/instance.ts';
import { type WasmModule, WebAssembly } from './wasm/web-assembly.ts';

/** The build that an engine runs, compiled. */
export interface ChosenBuild {
  readonly build: Build;
  readonly numerics: Exclude<Numerics, 'reference'>;
  readonly module: WasmModule;
}

let fma: Promise<ChosenBuild | undefined> | undefined;

/**
 * Compiles the fastest build of the numerics mode asked for; by default that of `fma` where this machine has fused multiply-adds.
 *
 * @throws Error if `fma` is asked for and the machine cannot.
 */
export async function chooseBuild(asked?: Exclude<Numerics, 'reference'>): Promise<ChosenBuild> {
  if (asked !== 'mul-add') {
    fma ??= chooseFma();
    const chosen = await fma;
    if (chosen) return chosen;
    if (asked) throw new Error('numerics "fma" needs relaxed SIMD and fused multiply-adds, which are missing here');
  }
  return { build: 'mul-add', numerics: 'mul-add', module: await compile('mul-add') };
}

async function chooseFma(): Promise<ChosenBuild | undefined> {
  if (!WebAssembly.validate(await buildBytes('fma'))) return undefined;
  const plain = await compile('fma');
  const instance = await instantiate(plain);
  // An engine may run relaxed multiply-adds as two operations: on processors without FMA it does.
  if (!instance.wasm.isFused(1 + 2 ** -12)) return undefined;
  if (hasRevectorizer()) {
    const wide = await compile('fma-wide', true);
    const other = await instantiate(wide);
    // The revectorizer is experimental, and does nothing without AVX2.
    if (sameBits(instance, other) && secondsOfProduct(other) < secondsOfProduct(instance)) {
      return { build: 'fma-wide', numerics: 'fma', module: wide };
    }
  }
  return { build: 'fma', numerics: 'fma', module: plain };
}
