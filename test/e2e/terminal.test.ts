import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hurry, startRun } from '../support/clip-run.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { spotloopOnTerminal } from '../support/terminal.ts';

/** What a person sees of `spotloop` on a real terminal: bar, colours, and the cursor, which has to come back. */

let world: RunStack;
before(async () => {
  world = await startRunStack();
});
after(() => world.stop());

const escape = '\u001B';
const hideCursor = `${escape}[?25l`;
const showCursor = `${escape}[?25h`;
const red = `${escape}[31m`;
/** SGR: colours and the like. */
const anyColour = new RegExp(`${escape}\\[[\\d;]*m`);
const bar = /[█░]{20} \d+\/\d+/;

/** A run of which one item fails for good, watched on a terminal. */
async function watch(name: string, env: Readonly<Record<string, string>> = {}) {
  const run = await startRun(
    world,
    name,
    { count: 6, seconds: 1, trouble: { kind: 'failing', first: 1, times: 9 } },
    { attempts: 1 },
  );
  const session = spotloopOnTerminal({ ...world.stack.env, ...env }, 'watch', run.prefix);
  return session.ended;
}

describe('spotloop on a terminal', { concurrency: 2 }, () => {
  it('shows a bar, failures in red, and gives the cursor back', async () => {
    const { code, output } = await watch('coloured');
    assert.equal(code, 2);
    assert.match(output, bar);
    assert.ok(output.includes(`${red}1 failed${escape}[39m`), JSON.stringify(output));
    assert.ok(output.includes(hideCursor));
    assert.ok(output.lastIndexOf(showCursor) > output.lastIndexOf(hideCursor));
    assert.match(output, /\r\ncompleted {2}coloured-\w+ in .*\r\nitems {6}6: 5 stored, 1 failed/);
  });

  it('heeds NO_COLOR, with a bar all the same', async () => {
    const { code, output } = await watch('plain', { NO_COLOR: '1' });
    assert.equal(code, 2);
    assert.match(output, bar);
    assert.match(output, /1 failed/);
    assert.doesNotMatch(output, anyColour);
  });

  it('writes lines without a control character on a dumb terminal', async () => {
    const { code, output } = await watch('dumb', { TERM: 'dumb' });
    assert.equal(code, 2);
    // A terminal itself ends lines with both.
    assert.doesNotMatch(output.replaceAll('\r\n', '\n'), /[^\P{Cc}\n]/u);
    assert.match(output, /^6\/6 {2}5 stored, 1 failed/m);
  });

  it('leaves the run going at Ctrl-C, and the terminal as it was', async () => {
    const run = await startRun(world, 'left', { count: 24, seconds: 4 });
    const session = spotloopOnTerminal(world.stack.env, 'watch', run.prefix);
    await waitUntil(async () => session.screen().includes('/24'));
    session.type('\u0003');
    const { code, output } = await session.ended;
    assert.equal(code, 130);
    assert.ok(output.lastIndexOf(showCursor) > output.lastIndexOf(hideCursor));
    assert.ok(
      output.endsWith(
        `the run goes on\r\nwatch    spotloop watch ${run.prefix}\r\ncancel   spotloop cancel ${run.prefix}\r\n`,
      ),
      JSON.stringify(output.slice(-300)),
    );
    assert.equal((await run.handle.describe()).status.name, 'RUNNING');
    await hurry(world, run);
    assert.equal((await run.handle.result()).stored, 24);
  });

  it('colours what the doctor finds, unless told not to', async () => {
    const examine = (env: Readonly<Record<string, string>>) =>
      spotloopOnTerminal({ ...world.stack.env, ...env }, 'doctor', '--fleet', 'local').ended;
    const coloured = await examine({});
    assert.equal(coloured.code, 0, coloured.output);
    assert.ok(coloured.output.includes(`${escape}[32mok     ${escape}[39m`));
    const plain = await examine({ NO_COLOR: '1' });
    assert.match(plain.output, /^ok {7}temporal /m);
    assert.doesNotMatch(plain.output, anyColour);
  });
});
