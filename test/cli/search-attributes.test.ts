import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { ensurePart } from '../../infra/local/install/part.ts';
import { findTemporalCli } from '../../infra/local/install/temporal-cli.ts';
import { readSearchAttributes } from '../../workers/temporal/search-attributes.ts';

/** `spotloop search-attributes create`, against a real server. */

const names = [
  'SpotloopState',
  'SpotloopTotal',
  'SpotloopSettled',
  'SpotloopFailed',
  'SpotloopDestination',
];
const namespace = 'bulk';
const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const run = promisify(execFile);

let path: string;
let environment: TestWorkflowEnvironment;
before(async () => {
  path = await ensurePart(await findTemporalCli());
  environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path }, namespace },
  });
});
after(() => environment.teardown());

async function create(env: Readonly<Record<string, string>>, ...args: string[]) {
  const { PATH = '' } = process.env;
  return run(process.execPath, [program, 'search-attributes', 'create', ...args], {
    env: { PATH, TEMPORAL_NAMESPACE: namespace, TEMPORAL_ADDRESS: environment.address, ...env },
  });
}

describe('search-attributes create', () => {
  it('creates what is missing, and says so', async () => {
    const { connection } = environment;
    assert.deepEqual(await readSearchAttributes({ connection, namespace }), []);
    const { stdout } = await create({});
    assert.equal(stdout, `created in namespace bulk: ${names.join(', ')}\n`);
    assert.deepEqual(await readSearchAttributes({ connection, namespace }), names);
    const again = await create({});
    assert.equal(again.stdout, 'namespace bulk has all of them already\n');
    const { stdout: json } = await create({}, '--json');
    assert.deepEqual(JSON.parse(json), { kind: 'created', namespace, created: [] });
  });

  it('refuses where one is there with another type, and creates none', async () => {
    const other = 'other';
    await run(path, [
      'operator',
      'namespace',
      'create',
      '--namespace',
      other,
      '--address',
      environment.address,
    ]);
    const attribute = ['--name', 'SpotloopTotal', '--type', 'Keyword'];
    await run(path, [
      'operator',
      'search-attribute',
      'create',
      '--namespace',
      other,
      '--address',
      environment.address,
      ...attribute,
    ]);
    await assert.rejects(create({ TEMPORAL_NAMESPACE: other }), {
      code: 1,
      stderr:
        'create search attributes in namespace other: SpotloopTotal exist with another type — remove them, or use another namespace\n',
    });
    const { connection } = environment;
    assert.deepEqual(await readSearchAttributes({ connection, namespace: other }), []);
  });

  it('says in a line that the server refuses', async () => {
    await assert.rejects(
      create({ TEMPORAL_NAMESPACE: 'nowhere' }),
      ({ stderr }: { stderr: string }) => {
        assert.match(
          stderr,
          /^read search attributes of namespace nowhere: .*nowhere.* not found.*\n$/,
        );
        return true;
      },
    );
  });

  it('prints what to do for Temporal Cloud, and asks no server', async () => {
    for (const address of ['jobs.a1b2c.tmprl.cloud:7233', 'us-east-1.aws.api.temporal.io:7233']) {
      const { stdout } = await create({
        TEMPORAL_ADDRESS: address,
        TEMPORAL_NAMESPACE: 'jobs.a1b2c',
      });
      assert.equal(
        stdout,
        `Temporal Cloud creates search attributes of namespace jobs.a1b2c with its own command:

tcld namespace search-attributes add --namespace jobs.a1b2c \\
  --search-attribute "SpotloopState=Keyword" \\
  --search-attribute "SpotloopTotal=Int" \\
  --search-attribute "SpotloopSettled=Int" \\
  --search-attribute "SpotloopFailed=Int" \\
  --search-attribute "SpotloopDestination=Keyword"
`,
      );
    }
  });
});
