import { Command } from 'commander';
import { searchAttributeNames, searchAttributes } from '../domain/search-attributes.ts';
import { createSearchAttributes } from '../workers/temporal/search-attributes.ts';
import { openTemporal, temporalPlace } from './temporal.ts';

/** What came of it: public, for scripts. */
export type SearchAttributesAnswer =
  | { readonly kind: 'created'; readonly namespace: string; readonly created: readonly string[] }
  /** Temporal Cloud takes them from its own command only. */
  | { readonly kind: 'by-hand'; readonly namespace: string; readonly commands: readonly string[] };

type Options = { readonly json?: true };

/** `spotloop search-attributes`. */
export function searchAttributesCommand(): Command {
  return new Command('search-attributes')
    .description("What runs show in Temporal's list of workflows, and can be searched by.")
    .addCommand(createCommand());
}

function createCommand(): Command {
  return new Command('create')
    .description('Creates the search attributes of runs in the namespace, those that are missing.')
    .option('--json', 'print what was done as JSON')
    .addHelpText(
      'after',
      `
${searchAttributeNames.map((name) => `  ${name} (${searchAttributes[name]})`).join('\n')}

It finds Temporal as the temporal command does, and needs an administrator's rights there. For Temporal Cloud it prints what
to do with tcld. Runs use them from their next start on; without them they do all the same.

Examples:
  spotloop search-attributes create
  temporal workflow list --query "SpotloopState = 'paused' OR SpotloopFailed > 100"`,
    )
    .action(async ({ json }: Options) => {
      const answer = await create();
      process.stdout.write(json === true ? `${JSON.stringify(answer, null, 2)}\n` : tell(answer));
    });
}

async function create(): Promise<SearchAttributesAnswer> {
  const { namespace, isCloud } = temporalPlace();
  if (isCloud) {
    return { kind: 'by-hand', namespace, commands: [tcldCommand(namespace)] };
  }
  const { connection, close } = await openTemporal();
  try {
    const created = await createSearchAttributes({ connection, namespace });
    return { kind: 'created', namespace, created };
  } finally {
    await close();
  }
}

function tcldCommand(namespace: string): string {
  const all = searchAttributeNames.map(
    (name) => `--search-attribute "${name}=${searchAttributes[name]}"`,
  );
  return [`tcld namespace search-attributes add --namespace ${namespace}`, ...all].join(' \\\n  ');
}

function tell(answer: SearchAttributesAnswer): string {
  if (answer.kind === 'by-hand') {
    const { namespace, commands } = answer;
    return `Temporal Cloud creates search attributes of namespace ${namespace} with its own command:\n\n${commands.join('\n')}\n`;
  }
  const { created, namespace } = answer;
  return created.length === 0
    ? `namespace ${namespace} has all of them already\n`
    : `created in namespace ${namespace}: ${created.join(', ')}\n`;
}
