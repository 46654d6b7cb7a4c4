import fc from 'fast-check';

/** A change of one value of a JSON text; `node` counts through all of its values. */
export interface JsonMutation {
  readonly kind: 'replace' | 'copy' | 'remove' | 'rename' | 'duplicate' | 'number' | 'text';
  readonly node: number;
  readonly value: number;
}

const word = fc.nat(0xffff_ffff);

export const jsonMutation: fc.Arbitrary<JsonMutation> = fc.record({
  kind: fc.constantFrom('replace', 'replace', 'copy', 'remove', 'rename', 'duplicate', 'number', 'text'),
  node: word,
  value: word,
});

/** Objects are lists of entries, so that a key may be there twice; what is neither object nor array is its text. */
type Tree = { readonly entries: [key: string, value: Tree][] } | { readonly elements: Tree[] } | { text: string };

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** Values that a reader did not expect there, as they are written. */
const VALUES = [
  ...[
    'null',
    'true',
    'false',
    '0',
    '1',
    '-1',
    '1.5',
    '1e308',
    '1e999',
    '-0',
    '1e-7',
    '9007199254740991',
    '1e15',
    '2049',
  ],
  ...['""', '"a"', '"__proto__"', '"constructor"', '"\\ud800"', '"\\u0000"', '"int4"', '"0"', '"(a+"', '"[["'],
  ...[
    '[]',
    '{}',
    '[null]',
    '[[]]',
    '{"__proto__":{"a":1}}',
    '{"type":"__proto__"}',
    '{"constructor":{"prototype":{}}}',
  ],
  ...[
    '"../outside.safetensors"',
    '"/etc/hostname"',
    '"..\\\\outside"',
    '"outside"',
    '"model.safetensors"',
    '"."',
    '".."',
  ],
  ...[
    nested(30),
    nested(20_000),
    `"${'long '.repeat(20_000)}"`,
    `[${'1,'.repeat(5000)}1]`,
    `{${'"k":0,'.repeat(9)}"l":0}`,
  ],
];

const KEYS = ['__proto__', 'constructor', 'toString', 'length', '', '\0', 'type', '../outside', 'long'.repeat(30_000)];

/** The text after one change; text that is no JSON is returned as it is. */
export function mutateJson(text: string, mutation: JsonMutation): string {
  // What an earlier change nested without end is left alone: this code recurses.
  if (text.includes('['.repeat(100))) return text;
  let root: Tree;
  try {
    root = treeOf(JSON.parse(text));
  } catch {
    return text;
  }
  change(root, mutation);
  return textOf(root);
}

/** A place that holds a value: an entry of an object or an element of an array. */
interface Slot {
  readonly parent: Exclude<Tree, { text: string }>;
  readonly index: number;
  readonly value: Tree;
}

function change(root: Tree, mutation: JsonMutation): void {
  const slots = slotsOf(root);
  if (slots.length === 0) return;
  const slot = slots[mutation.node % slots.length];
  const { parent, index } = slot;
  const list: unknown[] = 'entries' in parent ? parent.entries : parent.elements;
  if (mutation.kind === 'remove') list.splice(index, 1);
  else if (mutation.kind === 'duplicate')
    list.splice(mutation.value % list.length, 0, 'entries' in parent ? [...parent.entries[index]] : slot.value);
  else if (mutation.kind === 'rename') {
    if ('entries' in parent) parent.entries[index][0] = KEYS[mutation.value % KEYS.length];
  } else {
    const value = { text: newText(mutation, slot.value, slots) };
    if ('entries' in parent) parent.entries[index][1] = value;
    else parent.elements[index] = value;
  }
}

function newText({ kind, value }: JsonMutation, before: Tree, slots: readonly Slot[]): string {
  const text = textOf(before);
  if (kind === 'copy') return textOf(slots[value % slots.length].value);
  if (kind === 'text' && text.startsWith('"')) return JSON.stringify(JSON.parse(text).slice(0, value % text.length));
  const number = Number(text);
  if (kind !== 'number' || Number.isNaN(number)) return VALUES[value % VALUES.length];
  const near = [number + 1, number - 1, -number, number * 2, number / 2, number * 2 ** 32, number + 0.5, value];
  return String(near[value % near.length]);
}

function slotsOf(tree: Tree): Slot[] {
  if ('text' in tree) return [];
  const children = 'entries' in tree ? tree.entries.map(([, value]) => value) : tree.elements;
  return children.flatMap((value, index) => [{ parent: tree, index, value }, ...slotsOf(value)]);
}

function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return { elements: value.map(treeOf) };
  if (typeof value !== 'object' || value === null) return { text: JSON.stringify(value) };
  return { entries: Object.entries(value).map(([key, child]) => [key, treeOf(child)]) };
}

function textOf(tree: Tree): string {
  if ('text' in tree) return tree.text;
  if ('elements' in tree) return `[${tree.elements.map(textOf).join(',')}]`;
  return `{${tree.entries.map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`).join(',')}}`;
}
