import type { Architecture } from './architecture.ts';
import { gemma3 } from './gemma3.ts';
import { gptNeox } from './gpt-neox.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';
import { mixtral } from './mixtral.ts';
import { opt } from './opt.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';

/** Every architecture that is known. */
export const architectures: readonly Architecture[] = [llama, qwen2, qwen3, gemma3, gpt2, opt, gptNeox, phi3, mixtral];
