import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { lockMachine } from '../../../../infra/local/cluster/machine-lock.ts';
import { uniqueName } from '../../../support/unique-name.ts';

// Names that are no files exist on Linux only, as does the cluster.
const options = { skip: process.platform !== 'linux', timeout: 20_000 };

test('a machine is taken once, and the error names who has it', options, async () => {
  const name = `\0${uniqueName('lock')}`;
  const release = await lockMachine('/one', name);
  await assert.rejects(
    lockMachine('/other', name),
    new RegExp(`start a cluster in /other: .*\\(process ${process.pid} in /one\\) — stop it first`),
  );
  await release();
  await (
    await lockMachine('/other', name)
  )();
});

test('a machine is free when the process that took it was killed', options, async () => {
  const name = uniqueName('lock');
  const module = new URL('../../../../infra/local/cluster/machine-lock.ts', import.meta.url).href;
  const code = `
import { lockMachine } from ${JSON.stringify(module)};
await lockMachine('/one', '\\0' + process.argv[1]);
process.stdout.write('taken');
setInterval(() => {}, 1000);
`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', code, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await assert.rejects(
    lockMachine('/other', `\0${name}`),
    new RegExp(`process ${holder.pid} in /one`),
  );
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (
    await lockMachine('/other', `\0${name}`)
  )();
});
