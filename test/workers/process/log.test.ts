import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';

const logFile = new URL('../../../workers/process/log.ts', import.meta.url).href;

describe('createLog', () => {
  it("writes one JSON line per event, with Cloud Logging's names, also right before the exit", () => {
    const script = `
      const { createLog } = await import(${JSON.stringify(logFile)});
      const log = createLog({ level: 'info', fields: { run: 'r' } });
      log.debug('too quiet');
      log.info({ index: 7 }, 'first');
      log.warn('second');
      log.error({ error: new Error('why') }, 'third');
      process.exit(0);`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script]).toString();
    const lines = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      lines.map(({ severity, message, run }) => [severity, message, run]),
      [
        ['INFO', 'first', 'r'],
        ['WARNING', 'second', 'r'],
        ['ERROR', 'third', 'r'],
      ],
    );
    assert.equal(lines[0]?.['index'], 7);
    assert.match(String(lines[0]?.['time']), /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.match(JSON.stringify(lines[2]?.['error']), /why/);
  });
});
