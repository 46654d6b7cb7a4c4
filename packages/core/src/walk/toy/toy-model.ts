import type { Kernels, Matrix } from '@compress/kernels';
import type {
  LinearSpec,
  Model,
  ResidualNorm,
  SectionProgram,
  SectionSpec,
  SectionWeights,
  SiteSpec,
} from '../../model/model.ts';

export interface ToySize {
  readonly hidden: number;
  readonly inner: number;
  readonly vocabulary: number;
  readonly blocks: number;
}

/** Small, and no two sizes alike. */
export const TOY: ToySize = { hidden: 8, inner: 12, vocabulary: 20, blocks: 2 };

/**
 * A decoder without attention that has what the walk must get right: a norm before a site, two Linears at one site, a bias, a weight
 * stored transposed, something that a stage leaves for a later one across a site, a site that few tokens reach, and a tied head.
 */
export function toyModel(size: ToySize = TOY, tied = true): Model {
  const { hidden, vocabulary, blocks } = size;
  const headWeight = tied ? 'embed.weight' : 'head.weight';
  const sections: SectionSpec[] = [
    {
      name: 'embedding',
      kind: 'embedding',
      tensors: ['embed.weight'],
      sites: [],
      links: [],
      residual: { norms: [], writers: [], tables: ['embed.weight'] },
    },
    ...Array.from({ length: blocks }, (_, b) => block(b, size)),
    {
      name: 'head',
      kind: 'head',
      tensors: ['norm.weight', headWeight],
      sites: [
        {
          name: 'head_input',
          features: hidden,
          linears: [{ ...linear('head', vocabulary, hidden), weight: headWeight, untouched: 'it is the output head' }],
        },
      ],
      links: [],
      residual: { norms: [residualNorm('norm.weight', ['head'])], writers: [], tables: [] },
    },
  ];
  return {
    architecture: 'toy',
    hiddenSize: hidden,
    vocabularySize: vocabulary,
    contextLength: 64,
    tied,
    sections,
    untie: () => toyModel(size, false),
    open: (section, weights, kernels) => open(section, weights, size, kernels),
    async logits(program, weights, rows, kernels) {
      const batch = { sequences: 1, length: rows.rows, tokens: new Uint32Array(), hidden: rows, state: new Map() };
      const output = kernels.matrix(rows.rows, vocabulary);
      const input = await program.stages[0].input(batch);
      await kernels.linear({ input, ...weights.linears.get('head')!, output });
      return output;
    },
  };
}

function linear(name: string, outFeatures: number, inFeatures: number): LinearSpec {
  return { name, weight: `${name}.weight`, outFeatures, inFeatures, transposed: false };
}

function residualNorm(gain: string, readers: readonly string[]): ResidualNorm {
  return { gain, unitOffset: false, centers: false, readers };
}

function block(b: number, { hidden, inner }: ToySize): SectionSpec {
  const at = `blocks.${b}`;
  const site = (name: string, features: number, linears: LinearSpec[]): SiteSpec => ({
    name: `${at}.${name}`,
    features,
    linears,
  });
  const sites = [
    site('input', hidden, [linear(`${at}.gate`, inner, hidden), linear(`${at}.up`, inner, hidden)]),
    site('inner', inner, [{ ...linear(`${at}.down`, hidden, inner), bias: `${at}.down.bias`, transposed: true }]),
    site('expert', hidden, [linear(`${at}.expert`, hidden, hidden)]),
  ];
  const ofLinears = sites.flatMap(({ linears }) => linears.flatMap((spec) => [spec.weight, spec.bias]));
  const tensors = [`${at}.norm.weight`, ...ofLinears.filter((name) => name !== undefined)];
  const gain = `${at}.norm.weight`;
  const links = [{ kind: 'norm' as const, gain, unitOffset: false, site: sites[0].name, alsoScale: [] }];
  const residual = {
    norms: [residualNorm(gain, [`${at}.gate`, `${at}.up`, `${at}.expert`])],
    writers: [`${at}.down`, `${at}.expert`],
    tables: [],
  };
  return { name: at, kind: 'block', tensors, sites, parts: [sites.map(({ name }) => name)], links, residual };
}

function open(
  section: SectionSpec,
  weights: SectionWeights,
  { hidden: width, vocabulary }: ToySize,
  kernels: Kernels,
): SectionProgram {
  if (section.kind === 'embedding') {
    const table = weights.tensors.get('embed.weight')!;
    return {
      stages: [],
      async embed({ tokens, hidden }) {
        for (const [t, token] of tokens.entries())
          hidden.data.set(table.subarray(token * width, (token + 1) * width), t * width);
      },
    };
  }
  if (section.kind === 'head') {
    const input = (hidden: Matrix) => norm(hidden, weights.tensors.get('norm.weight')!, kernels);
    return { stages: [{ site: section.sites[0], input: ({ hidden }) => input(hidden), output: async () => {} }] };
  }
  const gain = weights.tensors.get(`${section.name}.norm.weight`)!;
  const [first, inner, expert] = section.sites;
  return {
    stages: [
      {
        site: first,
        async input({ hidden, state }) {
          const normed = await norm(hidden, gain, kernels);
          state.set('skip', { ...normed, data: normed.data.slice() });
          return normed;
        },
        async output({ state }, [gate, up]) {
          await kernels.activate({ gate, up, activation: 'silu', output: gate });
          state.set('inner', gate);
        },
      },
      {
        site: inner,
        async input({ state }) {
          const activation = state.get('inner') as Matrix;
          state.delete('inner');
          return activation;
        },
        async output({ hidden }, [down]) {
          await kernels.add({ source: down, target: hidden });
        },
      },
      {
        site: expert,
        /** Only tokens of the upper half of the vocabulary come here. */
        async input({ tokens, state }) {
          const skip = state.get('skip') as Matrix;
          state.delete('skip');
          const chosen = Uint32Array.from(tokens.keys()).filter((t) => tokens[t] >= vocabulary / 2);
          state.set('chosen', chosen);
          const input = kernels.matrix(chosen.length, width);
          for (const [i, t] of chosen.entries()) input.data.set(row(skip, t), i * width);
          return input;
        },
        async output({ hidden, state }, [out]) {
          for (const [i, t] of (state.get('chosen') as Uint32Array).entries())
            for (const [c, value] of row(out, i).entries()) hidden.data[t * width + c] += value;
        },
      },
    ],
  };
}

function row({ data, columns }: Matrix, r: number): Float32Array {
  return data.subarray(r * columns, (r + 1) * columns);
}

async function norm(input: Matrix, gain: Float32Array, kernels: Kernels): Promise<Matrix> {
  const output = kernels.matrix(input.rows, input.columns);
  await kernels.rmsNorm({ input, gain, epsilon: 1e-5, output });
  return output;
}
