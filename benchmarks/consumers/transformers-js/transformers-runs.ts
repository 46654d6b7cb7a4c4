/** What transformers.js makes of a model and a prompt. */
export interface TheirSide {
  /** Ids of the prompt. */
  readonly prompt: readonly number[];
  /** What follows the prompt's last token, `[vocabulary]`. */
  readonly logits: readonly number[];
  /** The likeliest tokens that follow, one after the other. */
  readonly tokens: readonly number[];
}

/** Where it runs and with what. */
export interface Place {
  /** The library, to import. */
  readonly library: string;
  /** Path or URL of the folder that the model's folder lies in, and that one's name. */
  readonly models: string;
  readonly model: string;
  readonly device: 'cpu' | 'wasm';
  /** URL of onnxruntime's WASM files; absent in Node. */
  readonly wasm?: string;
}

/** The little of the library that is used here. */
interface Library {
  readonly env: {
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
    useBrowserCache: boolean;
    readonly backends: { readonly onnx: { readonly wasm?: { wasmPaths: string } } };
  };
  readonly AutoTokenizer: { from_pretrained(model: string): Promise<(text: string) => Inputs> };
  readonly AutoModelForCausalLM: {
    from_pretrained(model: string, options: { readonly device: string }): Promise<LoadedModel>;
  };
}
type Inputs = Readonly<Record<string, { tolist(): bigint[][] }>>;
type LoadedModel = ((
  inputs: Inputs,
) => Promise<{ readonly logits: { readonly data: Float32Array; readonly dims: number[] } }>) & {
  generate(options: object): Promise<{ tolist(): bigint[][] }>;
};

/** Runs in Node, and, sent there as source, in a page: so it uses nothing but its arguments. */
export async function runTransformers(p: {
  readonly place: Place;
  readonly text: string;
  readonly count: number;
}): Promise<TheirSide> {
  const { library, models, model, device, wasm } = p.place;
  const loaded = await import(library);
  const { env, AutoTokenizer, AutoModelForCausalLM } = (loaded.env ? loaded : loaded.default) as Library;
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = models;
  env.useBrowserCache = false;
  if (wasm !== undefined) env.backends.onnx.wasm!.wasmPaths = wasm;
  const tokenizer = await AutoTokenizer.from_pretrained(model);
  const decoder = await AutoModelForCausalLM.from_pretrained(model, { device });
  const inputs = tokenizer(p.text);
  const [prompt] = inputs.input_ids.tolist();
  const { logits } = await decoder(inputs);
  const vocabulary = logits.dims[2];
  const generated = await decoder.generate({ ...inputs, max_new_tokens: p.count, do_sample: false });
  const tokens = generated.tolist()[0].slice(prompt.length);
  return {
    prompt: prompt.map(Number),
    logits: [...logits.data.slice(-vocabulary)],
    tokens: tokens.map(Number),
  };
}
