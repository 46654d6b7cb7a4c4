import type { Consumer } from '@compress/core';

/** transformers; `needs` is what it must find installed to decode the format. */
export const transformers = (...needs: readonly string[]): Consumer => ({
  name: 'transformers',
  install: `pip install ${['transformers', 'accelerate', ...needs].join(' ')}`,
  language: 'python',
  program: `from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("FOLDER", device_map="auto")
tokenizer = AutoTokenizer.from_pretrained("FOLDER")
inputs = tokenizer("Once upon a time", return_tensors="pt").to(model.device)
print(tokenizer.decode(model.generate(**inputs, max_new_tokens=50)[0]))`,
});

export const vllm: Consumer = {
  name: 'vLLM',
  install: 'pip install vllm',
  language: 'sh',
  program: 'vllm serve FOLDER',
};

/** The graph runs in Node and, from a URL, in browsers. */
export const transformersJs: Consumer = {
  name: 'transformers.js',
  library: 'transformers.js',
  install: 'npm install @huggingface/transformers',
  language: 'js',
  program: `import { pipeline } from '@huggingface/transformers';

const generate = await pipeline('text-generation', 'FOLDER', { device: 'cpu' });
console.log(await generate('Once upon a time', { max_new_tokens: 50 }));`,
};
