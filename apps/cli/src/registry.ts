import { createAwq } from '@compress/awq';
import { codebooks } from '@compress/codebooks';
import type { Algorithm, Format } from '@compress/core';
import { formats } from '@compress/formats';
import { createGptq } from '@compress/gptq';
import { hadamard } from '@compress/hadamard';
import { createKvCache } from '@compress/kv-cache';
import { createRtn } from '@compress/rtn';
import { smoothquant } from '@compress/smoothquant';
import { createSparseGpt } from '@compress/sparsegpt';

/** What recipes can name. A new algorithm is one more import and one more entry here; formats and architectures have lists of their own. */
export interface Registry {
  readonly algorithms: readonly Algorithm[];
  readonly formats: readonly Format[];
}

/** Every algorithm and format that this app has. */
export const registry: Registry = {
  algorithms: [
    hadamard,
    smoothquant,
    createAwq(codebooks),
    createRtn(codebooks),
    createGptq(codebooks),
    createSparseGpt(codebooks),
    createKvCache(codebooks),
  ] as readonly Algorithm[],
  formats,
};
