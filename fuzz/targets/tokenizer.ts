import { fileURLToPath } from 'node:url';
import { openTokenizer } from '@compress/models';
import { type Files, filesOf, type Target } from '../target.ts';

const GOLDENS = fileURLToPath(new URL('../../packages/models/goldens/tokenizers', import.meta.url));
const KINDS = ['gpt2', 'llama2', 'llama3', 'qwen', 'gemma', 'smollm'];
const SETTINGS = {
  tokenizer_class: 'PreTrainedTokenizerFast',
  bos_token: '<s>',
  add_bos_token: true,
  model_max_length: 512,
};

/** tokenizer.json and tokenizer_config.json of every kind, used in both directions. */
export async function tokenizerTarget(): Promise<Target> {
  const folders: Files[] = [];
  for (const kind of KINDS) {
    const file = `${kind}.json`;
    const { [file]: tokenizer } = await filesOf(GOLDENS, [file]);
    folders.push({ 'tokenizer.json': tokenizer, 'tokenizer_config.json': Buffer.from(JSON.stringify(SETTINGS)) });
  }
  return {
    name: 'tokenizer.json',
    folders,
    changed: ['tokenizer.json', 'tokenizer_config.json'],
    async read(folder) {
      const tokenizer = await openTokenizer(folder);
      const ids = tokenizer.encode('The 12 quick brown foxes,\n naïve  words', { special: true });
      tokenizer.decode(ids);
      tokenizer.tokenBytes();
    },
  };
}
