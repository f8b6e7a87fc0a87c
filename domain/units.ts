import bytes from 'bytes';
import ms from 'ms';
import type { StringValue } from 'ms';

/** "90s", "10m", "2h" → ms; null when it is not a duration with a unit. */
export function parseDurationMs(text: string): number | null {
  if (!/^\d+(\.\d+)?\s*[a-z]+$/i.test(text)) return null;
  const value = ms(text as StringValue);
  return Number.isFinite(value) ? Math.round(value) : null;
}

/** "500MB", "10GB" → bytes (1 KB = 1,024 bytes); null when it is not a size with a unit. */
export function parseSizeBytes(text: string): number | null {
  if (!/^\d+(\.\d+)?\s*(b|kb|mb|gb|tb)$/i.test(text)) return null;
  return bytes.parse(text);
}

/** 1536000 → "1.5MB". */
export function formatBytes(sizeBytes: number): string {
  return bytes.format(sizeBytes, { decimalPlaces: 1 }) ?? `${sizeBytes}B`;
}

/** 95000 → "1m 35s": at most two units, whole numbers. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  const units: [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'm'],
    [1, 's'],
  ];
  const first = units.findIndex(([size]) => seconds >= size);
  if (first === -1) return '0s';
  let rest = seconds;
  const parts = units.slice(first, first + 2).map(([size, name]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? '' : `${count}${name}`;
  });
  return parts.filter((part) => part !== '').join(' ');
}
