import type { Format } from '@compress/core';
import { dense } from './dense.ts';
import { gptq } from './gptq/gptq.ts';

/** Every format that is written and read; the first is the default of a pipeline that quantizes nothing. */
export const formats: readonly Format[] = [dense, gptq];
