import type { Algorithm, Format } from '@compress/core';
import { formats } from '@compress/formats';
import { gptq } from '@compress/gptq';
import { rtn } from '@compress/rtn';

/** What recipes can name. A new algorithm is one more import and one more entry here; formats and architectures have lists of their own. */
export interface Registry {
  readonly algorithms: readonly Algorithm[];
  readonly formats: readonly Format[];
}

export const registry: Registry = { algorithms: [rtn, gptq] as readonly Algorithm[], formats };
