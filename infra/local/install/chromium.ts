import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import { cachedPart, foundPart } from './part.ts';
import type { Part } from './part.ts';
import { runStep } from './run-step.ts';
import { readSurroundings } from './surroundings.ts';

/** The version of the npm package, which is Chromium's. */
const version = '153.0.0';

/** As Debian, others and Google name it. */
const names = ['chromium', 'chromium-browser', 'google-chrome'];

/**
 * The browser of tests and pictures: `$CHROMIUM`, from PATH, else the one that the npm package `@sparticuz/chromium` holds, with all
 * libraries that a bare machine lacks (x86-64 only).
 */
export async function findChromium(): Promise<Part> {
  const { searchFolders, cacheFolder, chromium } = readSurroundings();
  if (chromium !== undefined) return foundPart(chromium);
  for (const name of names) {
    const found = await findProgram(name, searchFolders);
    if (found !== undefined) return foundPart(found);
  }
  if (process.arch !== 'x64') {
    throw new Error(
      `install Chromium: none is on PATH, and the npm package has none for ${process.arch} — install the package chromium of your system, or name it in CHROMIUM`,
    );
  }
  return cachedPart({
    name: `Chromium ${version}`,
    folder: join(cacheFolder, 'bin', `chromium-${version}`),
    program: 'chromium',
    announce: 'unpacking it from @sparticuz/chromium (some seconds)',
    make: async (emptyFolder) => {
      await runStep({
        doing: `unpack Chromium ${version}`,
        command: process.execPath,
        args: ['--input-type=module', '--eval', unpacking],
        // It unpacks into the folder for temporary files, and its libraries only where it believes to be in that cloud.
        env: { TMPDIR: emptyFolder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' },
        hint: 'install the package chromium of your system, or name it in CHROMIUM',
      });
      await writeFile(join(emptyFolder, 'fonts', 'fonts.conf'), fontsBesideThis);
    },
  });
}

const unpacking = `
const { default: chromium } = await import(${JSON.stringify(import.meta.resolve('@sparticuz/chromium'))});
await chromium.executablePath();
`;

/** Its own configuration names folders of its cloud. */
const fontsBesideThis = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">.</dir><dir>/usr/share/fonts</dir></fontconfig>
`;
