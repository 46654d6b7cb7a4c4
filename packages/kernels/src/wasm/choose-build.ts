import type { Numerics } from '../kernels.ts';
import { type Build, compileBuild, supportsFma } from './compile.ts';
import type { WasmModule } from './web-assembly.ts';

export type { Build } from './compile.ts';

/** The build that an engine runs, compiled. */
export interface ChosenBuild {
  readonly build: Build;
  readonly numerics: Numerics;
  readonly module: WasmModule;
}

/** Compiles the fastest build of the numerics mode asked for; by default that of `fma` where the engine has relaxed SIMD. */
export async function chooseBuild(asked?: Numerics): Promise<ChosenBuild> {
  const numerics = asked ?? ((await supportsFma()) ? 'fma' : 'mul-add');
  if (numerics === 'mul-add') return { build: 'mul-add', numerics, module: await compileBuild('mul-add') };
  if (!(await supportsFma())) {
    throw new Error('numerics "fma" needs relaxed SIMD, which this engine lacks: use "mul-add"');
  }
  return { build: 'fma', numerics, module: await compileBuild('fma') };
}
