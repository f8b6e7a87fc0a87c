import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The first executable file of this name in the folders, as a path, or undefined. */
export async function findProgram(
  name: string,
  folders: readonly string[],
): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
