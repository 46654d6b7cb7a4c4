/** Puts archives and pickles together byte for byte, right or wrong, as `torch.save` would or never would. */

/** A stored zip archive. `change` may alter each record of the directory. */
export function zipFile(
  entries: Readonly<Record<string, Uint8Array>>,
  change: (record: Buffer) => void = () => {},
): Uint8Array {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(entries)) {
    const encoded = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(encoded.length, 26);
    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt32LE(data.length, 20);
    record.writeUInt32LE(data.length, 24);
    record.writeUInt16LE(encoded.length, 28);
    record.writeUInt32LE(offset, 42);
    change(record);
    files.push(local, encoded, Buffer.from(data));
    directory.push(record, encoded);
    offset += 30 + encoded.length + data.length;
  }
  const records = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(entries).length, 8);
  end.writeUInt16LE(Object.keys(entries).length, 10);
  end.writeUInt32LE(records.length, 12);
  end.writeUInt32LE(offset, 16);
  return Uint8Array.from(Buffer.concat([...files, records, end]));
}

/** A file of torch: its pickle, and its storages by key. */
export function torchFile(pickle: Uint8Array, storages: Readonly<Record<string, Uint8Array>> = {}): Uint8Array {
  const entries = Object.entries(storages).map(([key, data]) => [`x/data/${key}`, data] as const);
  return zipFile({ 'x/data.pkl': pickle, ...Object.fromEntries(entries) });
}

/** Opcodes of protocol 2 between its first and its last: texts are latin1, so that every byte can be written. */
export function pickle(...parts: readonly string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(`\x80\x02${parts.join('')}.`, 'latin1'));
}

export const text = (value: string) => `X${String.fromCharCode(value.length)}\0\0\0${value}`;
export const global = (module: string, name: string) => `c${module}\n${name}\n`;
export const natural = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return `\x8a\x08${bytes.toString('latin1')}`;
};
export const tuple = (...items: readonly string[]) => `(${items.join('')}t`;

/** A view of a storage of `elements` of F32. */
export function tensor(p: {
  key?: string;
  elements: number;
  offset?: number;
  shape: number[];
  strides: number[];
}): string {
  const id = tuple(
    text('storage'),
    global('torch', 'FloatStorage'),
    text(p.key ?? '0'),
    text('cpu'),
    natural(p.elements),
  );
  const hooks = `${global('collections', 'OrderedDict')})R`;
  const args = [
    `${id}Q`,
    natural(p.offset ?? 0),
    tuple(...p.shape.map(natural)),
    tuple(...p.strides.map(natural)),
    '\x89',
    hooks,
  ];
  return `${global('torch._utils', '_rebuild_tensor_v2')}${tuple(...args)}R`;
}

/** A dict of one tensor named `w`. */
export const dictOf = (value: string) => pickle('}(', text('w'), value, 'u');
