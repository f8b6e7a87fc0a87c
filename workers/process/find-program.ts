import { access, constants } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';

/** The file that a program's name stands for, looked up on `searchPath` as a shell would; null when there is none. */
export async function findProgram(name: string, searchPath: string): Promise<string | null> {
  const candidates = name.includes('/')
    ? [resolve(name)]
    : searchPath.split(delimiter).map((folder) => join(folder === '' ? '.' : folder, name));
  for (const path of candidates) {
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return path;
  }
  return null;
}
