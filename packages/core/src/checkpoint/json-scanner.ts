/** Thrown by the scanner; readers turn it into a `CompressError` that names the file. `position` counts bytes from 0. */
export class JsonFault extends Error {
  readonly kind: 'syntax' | 'duplicate' | 'utf8';
  readonly position: number;

  constructor(kind: JsonFault['kind'], message: string, position: number) {
    super(`${message} at byte ${position}`);
    this.kind = kind;
    this.position = position;
  }
}

/** Values nested deeper are refused: no file that we read has more than three levels, and recursion must end. */
const MAX_DEPTH = 64;

/** JSON as {@link JsonScanner.value} returns it: objects become Maps, so no key is special. */
export type Json = null | boolean | number | string | readonly Json[] | ReadonlyMap<string, Json>;

/**
 * A strict RFC 8259 scanner that visits instead of building, on bytes, so that a text need not be in memory a second time. `JSON.parse` silently keeps
 * the last of two equal keys, which lets one file mean two things to two readers; here a repeated key is a fault, at every level.
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
  /** Bytes consumed. */
  position(): number;
  /** Nothing but white space may follow. */
  end(): void;
}

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const NATURAL = /^(?:0|[1-9][0-9]*)$/;
/** So many digits are below 2^53 whatever they are. */
const SAFE_DIGITS = 15;
/** No number has more characters; longer ones are refused before they are made. */
const MOST_DIGITS = 1000;
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

/** Up to this length a string of ASCII is made faster than by a decoder. */
const SHORT = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const codeOf = (character: string) => character.charCodeAt(0);
const [QUOTE, BACKSLASH, ZERO, NINE] = ['"', '\\', '0', '9'].map(codeOf);
const isDigit = (code: number | undefined) => code !== undefined && code >= ZERO && code <= NINE;

/** Told of what is going to be made; what it throws ends the scan. */
export interface JsonObserver {
  /** A string, a key too, of so many bytes. */
  string?(length: number): void;
  /** Anything that {@link JsonScanner.value} returns, or has in what it returns. */
  value?(): void;
}

export function createJsonScanner(bytes: Uint8Array, observer: JsonObserver = {}): JsonScanner {
  let at = 0;

  function fault(message: string): never {
    throw new JsonFault('syntax', message, at);
  }

  function skipSpace(): void {
    for (;;) {
      const code = bytes[at];
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      at++;
    }
  }

  function take(character: string): boolean {
    skipSpace();
    if (bytes[at] !== codeOf(character)) return false;
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
    const { end, escaped } = stringEnd(start);
    // One with escapes is there three times while it is made.
    observer.string?.((escaped ? 3 : 1) * (end - start));
    const text = escaped ? unescaped(textOf(start - 1, end + 1)) : textOf(start, end);
    at = end + 1;
    return text;
  }

  /** The quote that ends a string which begins at `start`. */
  function stringEnd(start: number): { readonly end: number; readonly escaped: boolean } {
    let escaped = false;
    for (let i = start; ; i++) {
      const code = bytes[i];
      if (code === QUOTE) return { end: i, escaped };
      if (code === BACKSLASH) {
        escaped = true;
        i++;
      } else if (!(code >= 0x20)) {
        at = i;
        fault(i < bytes.length ? 'a control character inside a string' : 'a string without end');
      }
    }
  }

  function textOf(start: number, end: number): string {
    if (end - start <= SHORT) {
      const codes: number[] = [];
      for (let i = start; i < end && bytes[i] < 0x80; i++) codes.push(bytes[i]);
      if (codes.length === end - start) return String.fromCharCode(...codes);
    }
    try {
      return utf8.decode(bytes.subarray(start, end));
    } catch {
      throw new JsonFault('utf8', 'bytes that are no UTF-8', start);
    }
  }

  function unescaped(quoted: string): string {
    let text: string;
    try {
      text = JSON.parse(quoted);
    } catch {
      return fault('an escape that JSON has not, inside a string');
    }
    if (!text.isWellFormed()) fault('half of a surrogate pair inside a string');
    return text;
  }

  function numeral(): string {
    skipSpace();
    let end = at;
    while (end < at + MOST_DIGITS && NUMBER_BYTES.has(bytes[end])) end++;
    const digits = textOf(at, end);
    if (!NUMBER.test(digits)) return fault('expected a number');
    at = end;
    return digits;
  }

  function natural(): number | undefined {
    skipSpace();
    // Headers consist of them, so that nothing is made on the way to the number.
    let end = at;
    let number = 0;
    for (; end < at + SAFE_DIGITS && isDigit(bytes[end]); end++) number = 10 * number + bytes[end] - ZERO;
    if (end > at && !NUMBER_BYTES.has(bytes[end]) && !(bytes[at] === ZERO && end > at + 1)) {
      at = end;
      return number;
    }
    const digits = numeral();
    if (!NATURAL.test(digits)) return undefined;
    const value = Number(digits);
    return Number.isSafeInteger(value) ? value : undefined;
  }

  function value(depth = 0): Json {
    if (depth > MAX_DEPTH) fault(`nested deeper than ${MAX_DEPTH} levels`);
    observer.value?.();
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
    for (const [word, meaning] of WORDS) {
      if (!word.every((code, i) => bytes[at + i] === code)) continue;
      at += word.length;
      return meaning;
    }
    return Number(numeral());
  }

  function end(): void {
    skipSpace();
    if (at < bytes.length) fault('expected the end');
  }

  function peek(): string {
    skipSpace();
    return at < bytes.length ? String.fromCharCode(bytes[at]) : '';
  }

  return { peek, object, array, string, natural, value: () => value(), position: () => at, end };
}

const NUMBER_BYTES: ReadonlySet<number | undefined> = new Set([...'+-.0123456789eE'].map(codeOf));
const WORDS = (
  [
    ['true', true],
    ['false', false],
    ['null', null],
  ] as const
).map(([word, meaning]) => [[...word].map(codeOf), meaning] as const);
