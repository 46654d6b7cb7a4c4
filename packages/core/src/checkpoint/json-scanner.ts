/** Thrown by the scanner; readers turn it into a `CompressError` that names the file. `position` counts UTF-16 units from 0. */
export class JsonFault extends Error {
  readonly kind: 'syntax' | 'duplicate';
  readonly position: number;

  constructor(kind: 'syntax' | 'duplicate', message: string, position: number) {
    super(`${message} at character ${position}`);
    this.kind = kind;
    this.position = position;
  }
}

/** Values nested deeper are refused: no file that we read has more than three levels, and recursion must end. */
const MAX_DEPTH = 64;

/** JSON as {@link JsonScanner.value} returns it: objects become Maps, so no key is special. */
export type Json = null | boolean | number | string | readonly Json[] | ReadonlyMap<string, Json>;

/**
 * A strict RFC 8259 scanner that visits instead of building. `JSON.parse` silently keeps the last of two equal keys, which lets one file
 * mean two things to two readers; here a repeated key is a fault, at every level.
 */
export interface JsonScanner {
  /** First character of the next value. */
  peek(): string;
  /** Calls `visit` for each key; it must consume the value. */
  object(visit: (key: string) => void): void;
  /** Calls `visit` for each element; it must consume it. */
  array(visit: () => void): void;
  string(): string;
  /** A number written as plain digits (no sign, fraction or exponent) of at most 2^53 - 1; undefined, consumed, for any other number. */
  natural(): number | undefined;
  value(): Json;
  /** Characters consumed. */
  position(): number;
  /** Nothing but white space may follow. */
  end(): void;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const NATURAL = /^(?:0|[1-9][0-9]*)$/;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Up to this many keys a search through a list is faster than a set, and headers consist of objects of three keys. */
const FEW_KEYS = 8;

/** A function that is true the first time it meets a key. */
function uniqueKeys(): (key: string) => boolean {
  const few: string[] = [];
  let many: Set<string> | undefined;
  return (key) => {
    if (many === undefined) {
      if (few.includes(key)) return false;
      if (few.push(key) === FEW_KEYS) many = new Set(few);
      return true;
    }
    const before = many.size;
    return many.add(key).size > before;
  };
}

export function createJsonScanner(text: string): JsonScanner {
  let at = 0;

  function fault(message: string): never {
    throw new JsonFault('syntax', message, at);
  }

  function skipSpace(): void {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      at++;
    }
  }

  function take(character: string): boolean {
    skipSpace();
    if (text[at] !== character) return false;
    at++;
    return true;
  }

  function expect(character: string): void {
    if (!take(character)) fault(`expected ${character}`);
  }

  function object(visit: (key: string) => void): void {
    expect('{');
    if (take('}')) return;
    const isNew = uniqueKeys();
    do {
      skipSpace();
      const start = at;
      const key = string();
      if (!isNew(key))
        throw new JsonFault('duplicate', `the key ${JSON.stringify(key.slice(0, 200))} is there twice`, start);
      expect(':');
      visit(key);
    } while (take(','));
    expect('}');
  }

  function array(visit: () => void): void {
    expect('[');
    if (take(']')) return;
    do visit();
    while (take(','));
    expect(']');
  }

  function string(): string {
    expect('"');
    const start = at;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === 0x22) return text.slice(start, at++);
      if (code === 0x5c) return escapedString(start);
      if (!(code >= 0x20)) fault(at < text.length ? 'a control character inside a string' : 'a string without end');
      at++;
    }
  }

  function escapedString(start: number): string {
    const parts = [text.slice(start, at)];
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === 0x22) {
        at++;
        const whole = parts.join('');
        if (!whole.isWellFormed()) fault('half of a surrogate pair inside a string');
        return whole;
      }
      if (code === 0x5c) {
        parts.push(escapedCharacter());
        continue;
      }
      if (!(code >= 0x20)) fault(at < text.length ? 'a control character inside a string' : 'a string without end');
      const from = at;
      while (text.charCodeAt(at) >= 0x20 && text.charCodeAt(at) !== 0x22 && text.charCodeAt(at) !== 0x5c) at++;
      parts.push(text.slice(from, at));
    }
  }

  function escapedCharacter(): string {
    const letter = text[at + 1];
    if (letter === 'u') {
      const digits = text.slice(at + 2, at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) fault('a \\u without four hexadecimal digits');
      at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    if (letter === undefined || !Object.hasOwn(ESCAPES, letter)) fault('an unknown escape');
    at += 2;
    return ESCAPES[letter];
  }

  function numeral(): string {
    skipSpace();
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (match === null) return fault('expected a number');
    at += match[0].length;
    return match[0];
  }

  function natural(): number | undefined {
    const digits = numeral();
    if (!NATURAL.test(digits)) return undefined;
    const value = Number(digits);
    return Number.isSafeInteger(value) ? value : undefined;
  }

  function value(depth = 0): Json {
    if (depth > MAX_DEPTH) fault(`nested deeper than ${MAX_DEPTH} levels`);
    const first = peek();
    if (first === '{') {
      const entries = new Map<string, Json>();
      object((key) => entries.set(key, value(depth + 1)));
      return entries;
    }
    if (first === '[') {
      const elements: Json[] = [];
      array(() => elements.push(value(depth + 1)));
      return elements;
    }
    if (first === '"') return string();
    for (const [word, meaning] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    return Number(numeral());
  }

  function end(): void {
    skipSpace();
    if (at < text.length) fault('expected the end');
  }

  function peek(): string {
    skipSpace();
    return text[at] ?? '';
  }

  return { peek, object, array, string, natural, value: () => value(), position: () => at, end };
}
