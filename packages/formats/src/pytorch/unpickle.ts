import { callGlobal, findStorage, isKind, malformed } from './build-tensor.ts';
import { GLOBALS, type Pickled } from './pickle-values.ts';
import { pytorchFault, quote } from './pytorch-fault.ts';

/** A byte of a pickle can make an object of hundreds. A tensor takes 35 opcodes, of which 8 make an object; the largest models have 100,000 tensors. */
const MAX_STEPS = 8_000_000;
const MAX_OBJECTS = 1_000_000;
const MAKES_OBJECT = new Set('}])t\x85\x86\x87QR');
/** `torch.save` writes protocol 2 unless it is told otherwise. */
const PROTOCOL = 2;

/**
 * Reads a pickle as `torch.save` writes it, and runs nothing: of the language's opcodes only those of protocol 2 that plain data and tensors need are
 * known, and of its names only those of `GLOBALS`, which stand for themselves. A pickle is a program; what else one could do is refused where it
 * begins. Throws `CompressError` `pytorch-opcode`, `pytorch-global`, `pytorch-pickle`, `pytorch-too-large`.
 */
export function unpickle(bytes: Uint8Array, file: string): Pickled {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const memo = new Map<number, Pickled>();
  const stack: Pickled[] = [];
  /** Heights of the stack at which marks stand. */
  const marks: number[] = [];
  let at = 0;

  const take = (length: number): number => {
    if (at + length > bytes.length) throw malformed('The pickle ends in the middle', file);
    at += length;
    return at - length;
  };
  const text = (length: number): string => {
    const start = take(length);
    try {
      return decoder.decode(bytes.subarray(start, start + length));
    } catch {
      throw malformed('A text is not valid UTF-8', file);
    }
  };
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw malformed('The pickle ends in the middle', file);
    const found = text(end - at);
    at++;
    return found;
  };
  const pop = (): Pickled => {
    if (stack.length <= (marks.at(-1) ?? 0)) throw malformed('An opcode lacks what it works on', file);
    return stack.pop()!;
  };
  const popMark = (): Pickled[] => {
    const mark = marks.pop();
    if (mark === undefined) throw malformed('An opcode lacks its mark', file);
    return stack.splice(mark);
  };
  const tuple = (items: readonly Pickled[]) => stack.push({ kind: 'tuple', items });
  const recall = (index: number) => {
    const value = memo.get(index);
    if (value === undefined) throw malformed('It recalls what it never kept', file);
    stack.push(value);
  };
  const keep = (index: number) => {
    const value = pop();
    stack.push(value);
    memo.set(index, value);
  };
  const setItems = (items: readonly Pickled[]) => {
    const target = pop();
    if (!(target instanceof Map) || items.length % 2 !== 0) throw malformed('It sets items of what has none', file);
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
    stack.push(target);
  };
  const append = (items: readonly Pickled[]) => {
    const target = pop();
    if (!Array.isArray(target)) throw malformed('It appends to what is no list', file);
    for (const item of items) target.push(item);
    stack.push(target);
  };
  const global = () => {
    const name = `${line()}.${line()}`;
    if (!GLOBALS.has(name)) {
      throw pytorchFault(
        'global',
        `The pickle asks for ${quote(name)}, which is none of what tensors are made of, and is not run: save model.state_dict() alone, or as safetensors.`,
        file,
      );
    }
    stack.push({ kind: 'global', name });
  };
  /** A whole number of any width, little-endian with a sign; wider than 2^53 it is none that a tensor has. */
  const long = (length: number) => {
    const start = take(length);
    if (length > 8) throw malformed('It has a number that no tensor has', file);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[start + i]);
    stack.push(Number(BigInt.asIntN(8 * length, value)));
  };

  const opcodes: Readonly<Record<string, () => void>> = {
    '(': () => marks.push(stack.length),
    '}': () => stack.push(new Map()),
    ']': () => stack.push([]),
    ')': () => tuple([]),
    t: () => tuple(popMark()),
    '\x85': () => tuple([pop()]),
    '\x86': () => tuple([pop(), pop()].reverse()),
    '\x87': () => tuple([pop(), pop(), pop()].reverse()),
    N: () => stack.push(null),
    '\x88': () => stack.push(true),
    '\x89': () => stack.push(false),
    J: () => stack.push(view.getInt32(take(4), true)),
    K: () => stack.push(bytes[take(1)]),
    M: () => stack.push(view.getUint16(take(2), true)),
    '\x8a': () => long(bytes[take(1)]),
    G: () => stack.push(view.getFloat64(take(8), false)),
    X: () => stack.push(text(view.getUint32(take(4), true))),
    q: () => keep(bytes[take(1)]),
    r: () => keep(view.getUint32(take(4), true)),
    h: () => recall(bytes[take(1)]),
    j: () => recall(view.getUint32(take(4), true)),
    s: () => setItems([pop(), pop()].reverse()),
    u: () => setItems(popMark()),
    a: () => append([pop()]),
    e: () => append(popMark()),
    c: global,
    Q: () => stack.push(findStorage(pop(), file)),
    R: () => {
      const args = pop();
      if (!isKind(args, 'tuple')) throw malformed('It calls something without arguments', file);
      stack.push(callGlobal(pop(), args.items, file));
    },
    // Attributes of an OrderedDict (its _metadata): nothing that tensors depend on.
    b: () => {
      pop();
      const target = pop();
      if (!(target instanceof Map)) throw malformed('It sets attributes of what has none', file);
      stack.push(target);
    },
  };

  if (bytes[take(1)] !== 0x80 || bytes[take(1)] !== PROTOCOL) {
    throw pytorchFault(
      'opcode',
      'The pickle is not of protocol 2, in which torch.save writes by itself: save it again.',
      file,
    );
  }
  let objects = 0;
  for (let steps = 0; ; steps++) {
    if (steps > MAX_STEPS || objects > MAX_OBJECTS) {
      throw pytorchFault('too-large', `The pickle makes more than ${MAX_OBJECTS} objects: no model needs that.`, file);
    }
    const code = String.fromCharCode(bytes[take(1)]);
    if (code === '.') break;
    if (MAKES_OBJECT.has(code)) objects++;
    const run = Object.hasOwn(opcodes, code) ? opcodes[code] : undefined;
    if (run === undefined) {
      throw pytorchFault(
        'opcode',
        `The pickle has the opcode ${quote(code)}, which tensors do not need, and is not run.`,
        file,
      );
    }
    run();
  }
  return pop();
}
