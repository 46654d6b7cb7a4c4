import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { CompressError } from '@compress/core';

/** The texts of one column of a Parquet file, in order. Throws `CompressError` `text-unreadable` or `text-field-missing`. */
export async function readParquet(file: string, field: string): Promise<string[]> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet');
  const unreadable = (cause: Error) => {
    throw new CompressError(
      'text-unreadable',
      `The Parquet file cannot be read: ${cause.message}.`,
      { file },
      { cause },
    );
  };
  const buffer = await asyncBufferFromFile(file).catch(unreadable);
  const metadata = await parquetMetadataAsync(buffer).catch(unreadable);
  const columns = parquetSchema(metadata).children.map((child) => child.element.name);
  if (!columns.includes(field)) {
    throw new CompressError('text-field-missing', `There is no column ${field}; the file has ${columns.join(', ')}.`, {
      file,
    });
  }
  const rows = await parquetReadObjects({
    file: buffer,
    metadata,
    columns: [field],
    compressors: {
      GZIP: (input) => gunzipSync(input),
      ZSTD: (input) => zstdDecompressSync(input),
      BROTLI: (input) => brotliDecompressSync(input),
    },
  }).catch(unreadable);
  return rows.map((row, index) => {
    const text = row[field];
    if (typeof text !== 'string') {
      throw new CompressError('text-field-missing', `Row ${index} of column ${field} is not a text.`, { file });
    }
    return text;
  });
}
