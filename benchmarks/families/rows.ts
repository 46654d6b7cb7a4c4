/** One row of the table: a name, and the pipeline as a recipe has it. */
export interface Row {
  readonly name: string;
  readonly pipeline: readonly Readonly<Record<string, object>>[];
}

/** Every family on one model; `groupSize` must divide its widths. */
export function familyRows(groupSize: number): readonly Row[] {
  const rows: Row[] = [];
  for (const bits of [4, 3]) {
    const symmetric = { grid: `int${bits}`, groupSize };
    const asymmetric = { grid: `int${bits}-asym`, groupSize };
    const searched = { grid: `int${bits}-asym`, scales: 'hessian', groupSize };
    rows.push(
      { name: `W${bits} sym, RTN`, pipeline: [{ rtn: symmetric }] },
      { name: `W${bits} sym, GPTQ`, pipeline: [{ gptq: symmetric }] },
      { name: `W${bits} asym, RTN`, pipeline: [{ rtn: asymmetric }] },
      { name: `W${bits} asym, AWQ + RTN`, pipeline: [{ awq: {} }, { rtn: asymmetric }] },
      { name: `W${bits} asym, GPTQ`, pipeline: [{ gptq: asymmetric }] },
      { name: `W${bits} asym, AWQ + GPTQ`, pipeline: [{ awq: { clip: false } }, { gptq: asymmetric }] },
      { name: `W${bits} asym, GPTQ, searched scales`, pipeline: [{ gptq: searched }] },
      {
        name: `W${bits} asym, GPTQ, searched scales, 2 sweeps`,
        pipeline: [{ gptq: { ...searched, polish: { sweeps: 2 } } }],
      },
      { name: `W${bits} asym, Hadamard + GPTQ`, pipeline: [{ hadamard: {} }, { gptq: asymmetric }] },
      { name: `W${bits} asym, Hadamard + GPTQ, searched scales`, pipeline: [{ hadamard: {} }, { gptq: searched }] },
    );
  }
  for (const grid of ['nf4', 'sf4', 'fp4', 'af4'])
    rows.push(
      { name: `${grid}, block 64, RTN`, pipeline: [{ rtn: { grid, groupSize: 64 } }] },
      { name: `${grid}, block 64, GPTQ`, pipeline: [{ gptq: { grid, groupSize: 64 } }] },
    );
  for (const criterion of ['magnitude', 'wanda', 'sparsegpt'])
    rows.push(
      { name: `50 %, ${criterion}`, pipeline: [{ sparsegpt: { criterion } }] },
      { name: `2:4, ${criterion}`, pipeline: [{ sparsegpt: { criterion, pattern: '2:4' } }] },
    );
  return rows;
}
