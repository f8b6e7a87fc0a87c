/**
 * Makes `youtube-ids` and `gone-ids` anew, always the same ones: `node examples/make-youtube-ids.ts`. The ids have YouTube's
 * form and belong to nobody in particular; the sample site has a video for each, but for the gone ones.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';

/** Chosen so that ids starting with a dash, which are easily taken for options, come early, one of them a gone one. */
const seed = 'spotloop 181';
const count = 1000;
/** YouTube's ids are 64 bits in base64url without padding: 11 characters. */
const idBytes = 8;
/** Every thirty-third is gone, from the eleventh on: 3 %, of which three are among the first hundred. */
const goneEvery = 33;
const firstGone = 10;

const ids = Array.from({ length: count }, (_, index) =>
  createHash('sha256')
    .update(`${seed} ${index}`)
    .digest()
    .subarray(0, idBytes)
    .toString('base64url'),
);
const gone = ids.filter((_, index) => index % goneEvery === firstGone);

writeFileSync(new URL('youtube-ids', import.meta.url), `${ids.join('\n')}\n`);
writeFileSync(new URL('gone-ids', import.meta.url), `${gone.join('\n')}\n`);
