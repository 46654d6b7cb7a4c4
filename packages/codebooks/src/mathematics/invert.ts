/** The x in [low, high] at which an ascending function reaches `target`, to the last bit of f64, by bisection. */
export function invert(ascending: (x: number) => number, target: number, low: number, high: number): number {
  let [below, above] = [low, high];
  for (;;) {
    const middle = below / 2 + above / 2;
    if (middle <= below || middle >= above) return middle;
    if (ascending(middle) < target) below = middle;
    else above = middle;
  }
}
