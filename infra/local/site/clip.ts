import { readFileSync } from 'node:fs';

const names = ['clip-1.mp4', 'clip-2.mp4', 'clip-3.mp4'];
const clips = names.map((name) => readFileSync(new URL(`clips/${name}`, import.meta.url)));

/** An mp4 box is its size in 4 bytes, its type in 4, then the content (ISO/IEC 14496-12, 4.2). */
const boxHeaderBytes = 8;

/** The clip of an id: a pure function of it, playable, and different for each id. */
export function clipOf(id: string): Buffer {
  const content = Buffer.from(id, 'utf8');
  const header = Buffer.alloc(boxHeaderBytes);
  header.writeUInt32BE(boxHeaderBytes + content.length, 0);
  header.write('free', 4, 'latin1');
  const sum = content.reduce((total, byte) => total + byte, 0);
  return Buffer.concat([clips[sum % clips.length]!, header, content]);
}
