/** GF(q), as far as Paley's matrices need it: elements are 0..q-1, the digits of base p being the coefficients of a polynomial. */
export interface QuadraticCharacter {
  /** 0 for 0, 1 for the square of an element, -1 otherwise. */
  readonly of: Int8Array;
  /** a - b */
  subtract(a: number, b: number): number;
}

/** The quadratic character of GF(q), or undefined if q is no power of an odd prime. */
export function quadraticCharacter(q: number): QuadraticCharacter | undefined {
  const field = oddPrimePower(q);
  if (!field) return undefined;
  const { prime, degree } = field;
  const subtract = (a: number, b: number) => {
    let difference = 0;
    for (let place = 1; place < q; place *= prime) {
      const digit = (Math.floor(a / place) - Math.floor(b / place)) % prime;
      difference += place * ((digit + prime) % prime);
    }
    return difference;
  };
  return { of: fromPowers(q, prime, degree), subtract };
}

/** In the powers of a primitive element squares and others alternate: so the first monic polynomial whose root has q - 1 powers will do. */
function fromPowers(q: number, prime: number, degree: number): Int8Array {
  const lead = prime ** (degree - 1);
  for (let polynomial = 0; polynomial < q; polynomial++) {
    const character = new Int8Array(q);
    let power = 1;
    for (let exponent = 0; exponent < q - 1 && character[power] === 0 && power !== 0; exponent++) {
      character[power] = exponent % 2 === 0 ? 1 : -1;
      // Times x, and x^degree is the polynomial.
      const top = Math.floor(power / lead);
      power = addMultiple((power % lead) * prime, polynomial, top, prime, q);
    }
    if (character.every((value, element) => (element === 0) === (value === 0))) return character;
  }
  throw new TypeError(`GF(${q}) has no primitive element`);
}

/** a + factor b, digit by digit. */
function addMultiple(a: number, b: number, factor: number, prime: number, q: number): number {
  let sum = 0;
  for (let place = 1; place < q; place *= prime)
    sum += place * (((Math.floor(a / place) % prime) + factor * (Math.floor(b / place) % prime)) % prime);
  return sum;
}

function oddPrimePower(q: number): { prime: number; degree: number } | undefined {
  if (q < 3 || q % 2 === 0) return undefined;
  let prime = 3;
  while (q % prime !== 0) prime = prime * prime > q ? q : prime + 2;
  const degree = Math.round(Math.log(q) / Math.log(prime));
  return prime ** degree === q ? { prime, degree } : undefined;
}
