import { spawn, spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './mutation.ts';
import type { Mutation } from './mutation.ts';
import type { Told } from './tell-tests.ts';

/** What the named tests of a file are to run in. */
export type Tree = { readonly folder: string; remove(): Promise<void> };

export type Verdict =
  | { readonly kind: 'killed'; readonly seconds: number }
  /** The named test passes although the promise is broken. */
  | { readonly kind: 'survived'; readonly seconds: number }
  /** It can't be told: the message says why. */
  | { readonly kind: 'unusable'; readonly message: string };

/** No named test takes so long; one that does waits for something that a mutation has prevented. ms. */
const testLimitMs = 120_000;

const teller = fileURLToPath(new URL('tell-tests.ts', import.meta.url));

/** Copies what git tracks, as it is in the working tree, into a folder of its own beside the installed packages. */
export async function copyTree(): Promise<Tree> {
  const { stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  const folder = await mkdtemp(join(tmpdir(), 'spotloop-mutation-'));
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await copyFile(join(root, file), join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      // Deleted and not yet committed.
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Whether a patch applies to a tree; undefined, or what git says. */
export function applyPatch(
  patch: string,
  folder: string,
  ...options: string[]
): string | undefined {
  const { status, stderr } = spawnSync('git', ['apply', ...options, patch], {
    cwd: folder,
    encoding: 'utf8',
    // A folder within somebody's repository would take the patch for that repository's.
    env: { ...process.env, GIT_CEILING_DIRECTORIES: dirname(folder) },
  });
  return status === 0 ? undefined : stderr.trim().replaceAll(/\s*\n\s*/g, '; ');
}

/** Breaks the promise in a tree of its own, and runs the test that must notice. */
export async function tryMutation(mutation: Mutation, signal: AbortSignal): Promise<Verdict> {
  const startedMs = performance.now();
  const tree = await copyTree();
  try {
    const refusal = applyPatch(mutation.patch, tree.folder);
    if (refusal !== undefined) {
      const message = `apply ${mutation.name}.patch: ${refusal} — make it anew for the source as it is now`;
      return { kind: 'unusable', message };
    }
    const told = await runTests(tree.folder, mutation.file, { names: [mutation.test], signal });
    const seconds = (performance.now() - startedMs) / 1000;
    const one = told.find(({ name }) => name === mutation.test);
    if (one === undefined) {
      const why = told.find(({ ending }) => ending === 'failed')?.message;
      const message = `"${mutation.test}" did not run${why === undefined ? '' : `: ${why}`}`;
      return { kind: 'unusable', message };
    }
    if (one.ending === 'passed') return { kind: 'survived', seconds };
    if (one.byAssertion) return { kind: 'killed', seconds };
    return { kind: 'unusable', message: `the test failed by no assertion: ${one.message}` };
  } finally {
    await tree.remove();
  }
}

/** Runs tests of a file by their exact names. What they were, and what broke the file itself, is in the answer. */
export async function runTests(
  folder: string,
  file: string,
  { names, signal }: { names: readonly string[]; signal: AbortSignal },
): Promise<Told[]> {
  const child = spawn(process.execPath, [teller, join(folder, file), ...names], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
    // A group of its own, so that servers of a test that hangs end with it.
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const kill = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const limit = setTimeout(kill, testLimitMs);
  signal.addEventListener('abort', kill);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(limit);
  signal.removeEventListener('abort', kill);
  const told = stdout
    .split('\n')
    .filter((line) => line.startsWith('{"name":'))
    .map((line) => JSON.parse(line) as Told);
  // Where nothing was told, no test is called so, or the process itself has failed.
  if (told.length > 0 || code === 0) return told;
  const why = code === null ? `it did not end within ${testLimitMs / 1000} s` : stderr.slice(-500);
  return names.map((name) => ({ name, ending: 'failed', byAssertion: false, message: why }));
}

/** Without what a test runner that we may run in tells its own children. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
  return rest;
}
