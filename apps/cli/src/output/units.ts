/** `8.4 MB`: decimal units, as disks and downloads are counted. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${power === 0 ? bytes : significant(bytes / 1000 ** power, 3)} ${units[power]}`;
}

/** `135 M`, `4.20 M`, `812`: parameters and other large counts. */
export function formatCount(count: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log10(count) / 3));
  return `${power === 0 ? count : significant(count / 1000 ** power, 3)}${units[power]}`;
}

/** `0.42 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(seconds < 0.995 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** That many digits that say something, never in powers of ten: `41.9`, `0.00123`, `1230`. */
export function significant(value: number, digits: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(places, 12));
}

/** Errors of layers span many powers of ten: `1.23e-5` where decimals would be a row of zeros. */
export function formatError(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : significant(value, 3);
}
