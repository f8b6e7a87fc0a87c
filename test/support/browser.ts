import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { findChromium } from '../../infra/local/install/chromium.ts';
import { ensurePart } from '../../infra/local/install/part.ts';

/** A headless Chromium. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = await ensurePart(await findChromium());
  const folder = dirname(executablePath);
  const libraries = join(folder, 'al2023', 'lib');
  // The one that npm brings has its libraries and fonts beside it.
  const surroundings = existsSync(libraries)
    ? { LD_LIBRARY_PATH: libraries, FONTCONFIG_PATH: join(folder, 'fonts') }
    : {};
  return chromium.launch({
    executablePath,
    env: { ...process.env, ...surroundings },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  });
}
