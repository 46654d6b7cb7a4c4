/**
 * Orders 4 t that Paley's constructions leave out, from four sequences of +-1 of length t whose periodic autocorrelations sum to 0.
 * Williamson's (symmetric) for t = 23 and 29 were found by matching the spectra of pairs, those for t = 39 and 43 are of the same form; that
 * they are Hadamard matrices is tested.
 */
const WILLIAMSON: Readonly<Record<number, readonly [string, string, string, string]>> = {
  23: ['+++++----+-++-+----++++', '+-----++-+-++-+-++-----', '++-+-+++-++--++-+++-+-+', '++-+--+++--++--+++--+-+'],
  29: [
    '+-+----++++--+--+--++++----+-',
    '+-+-+--+-++-++--++-++-+--+-+-',
    '+---+++-++++++--++++++-+++---',
    '+++++--++---+-++-+---++--++++',
  ],
  39: [
    '+++--+-+-----+--++----++--+-----+-+--++',
    '++++---+--++----+-+--+-+----++--+---+++',
    '+++--++-+---+-+--+----+--+-+---+-++--++',
    '+---++-+-+-----+++-++-+++-----+-+-++---',
  ],
  43: [
    '+---++--++++-+-+++-++--++-+++-+-++++--++---',
    '++-++++++----+-+--++-++-++--+-+----++++++-+',
    '+++-+-++--+-+-++++-+----+-++++-+-+--++-+-++',
    '++---++++-+--+--++--------++--+--+-++++---+',
  ],
};

/**
 * Turyn-type sequences x, y, z of length 36 and w of length 35 (Kharaghani and Tayfeh-Rezaie, 2005, the first Hadamard matrix of order
 * 428): the digits are 8 x + 4 y + 2 z + w of each place, where 0 stands for + and 1 for -.
 */
const TURYN_36 = '060989975b685d8fc80750b21c0212eceb2c';

/** A Hadamard matrix of order 4 t by Goethals and Seidel's array of four circulants, for the t that are known here; undefined for any other order. */
export function fourCirculants(order: number): Int8Array | undefined {
  const length = order / 4;
  const sequences = length === 107 ? fromTuryn(TURYN_36) : WILLIAMSON[length]?.map(fromSigns);
  return sequences && goethalsSeidel(sequences, length);
}

function fromSigns(signs: string): number[] {
  return [...signs].map((sign) => (sign === '+' ? 1 : -1));
}

/** By T-sequences of length 3 n - 1: z, w, (x + y) / 2 and (x - y) / 2 one after the other, each 0 where another is not. */
function fromTuryn(digits: string): number[][] {
  const n = digits.length;
  const [x, y, z, w] = [8, 4, 2, 1].map((bit) =>
    [...digits].map((digit) => ((Number.parseInt(digit, 16) & bit) === 0 ? 1 : -1)),
  );
  const place = (values: readonly number[], at: number) =>
    Array.from({ length: 3 * n - 1 }, (_, i) => values[i - at] ?? 0);
  const parts = [
    place(z, 0),
    place(w.slice(0, -1), n),
    place(
      x.map((value, i) => (value + y[i]) / 2),
      2 * n - 1,
    ),
    place(
      x.map((value, i) => (value - y[i]) / 2),
      2 * n - 1,
    ),
  ];
  return ['++++', '-++-', '--++', '-+-+'].map((signs) => {
    const factors = fromSigns(signs);
    return parts[0].map((_, i) => parts.reduce((sum, part, p) => sum + factors[p] * part[i], 0));
  });
}

/** [[A, BR, CR, DR], [-BR, A, D'R, -C'R], [-CR, -D'R, A, B'R], [-DR, C'R, -B'R, A]], R the exchange matrix, ' the transpose. */
function goethalsSeidel(sequences: readonly (readonly number[])[], length: number): Int8Array {
  const order = 4 * length;
  const matrix = new Int8Array(order * order);
  // Which sequence, its sign, and whether it is transposed.
  const blocks = ['A', 'B', 'C', 'D', '-B', 'A', "D'", "-C'", '-C', "-D'", 'A', "B'", '-D', "C'", "-B'", 'A'];
  for (const [at, block] of blocks.entries()) {
    const [top, left] = [Math.floor(at / 4) * length, (at % 4) * length];
    const sequence = sequences['ABCD'.indexOf(block.replace(/[-']/g, ''))];
    const sign = block.startsWith('-') ? -1 : 1;
    for (let i = 0; i < length; i++)
      for (let j = 0; j < length; j++) {
        const column = block === 'A' ? j : length - 1 - j;
        const shift = block.endsWith("'") ? i - column : column - i;
        matrix[(top + i) * order + left + j] = sign * sequence[(shift + length) % length];
      }
  }
  return matrix;
}
