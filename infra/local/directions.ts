import { dirname } from 'node:path';
import { localBucket, taskQueue } from './stack.ts';
import type { Stack } from './stack.ts';

/** The list that the local stack is tried with. */
export const sampleList = new URL('../../examples/youtube-ids', import.meta.url).href;
/** Where samples go. */
export const sampleDestination = `gs://${localBucket}/videos/`;

/** The input of a run of the sample list against a stack. */
export function sampleInput(stack: Stack, items: number): Record<string, unknown> {
  return {
    items: sampleList,
    limit: items,
    destination: sampleDestination,
    task: {
      kind: 'yt-dlp',
      url: `${stack.site.address}/watch?v={key}`,
      // A page with a video in it: the 1,800 sites that yt-dlp knows besides need not be asked, which takes 0.8 s.
      options: ['--use-extractors=generic,html5'],
    },
    concurrency: 4,
    workers: 1,
    maxItemSize: '100MB',
  };
}

/** By these Temporal's command and ours find a stack. */
export function variablesOf({ temporal, pubsub, storage, env }: Stack): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    PUBSUB_EMULATOR_HOST: pubsub.host,
    STORAGE_EMULATOR_HOST: storage.endpoint,
    GOOGLE_CLOUD_PROJECT: env['GOOGLE_CLOUD_PROJECT'] ?? '',
    METADATA_SERVER_DETECTION: 'none',
    SPOTLOOP_WEB_UI: temporal.uiAddress,
  };
}

/** What a person needs to know to use a running stack: addresses, variables to paste, a command that works. */
export function directions(stack: Stack, workflowId: string): string {
  const { temporal, site, bucketFolder, logFolder } = stack;
  const exports = Object.entries(variablesOf(stack))
    .map(([name, value]) => `  export ${name}=${value}`)
    .join('\n');
  const input = JSON.stringify(sampleInput(stack, 100)).replaceAll("'", `'\\''`);
  return `
Temporal Web UI   ${temporal.uiAddress}/namespaces/${temporal.namespace}/workflows
Temporal server   ${temporal.address}
sample site       ${site.address}/watch?v=dQw4w9WgXcQ
bucket            ${bucketFolder}   (gs://${localBucket})
logs              ${logFolder}${clusterLines(stack)}

Paste this into another terminal to use the temporal command and ours there:

${exports}
  export PATH="$PATH:${dirname(stack.temporalCli)}"

Then, for example:

  temporal workflow start --type downloadRun --task-queue ${taskQueue} --workflow-id ${workflowId} \\
    --input '${input}'
  temporal workflow query --type progress --workflow-id ${workflowId}
  temporal workflow describe --workflow-id ${workflowId}
  temporal workflow result --workflow-id ${workflowId}
  npm run spotloop -- audit gs://${localBucket}/.spotloop/RUN/   # the runFolder of the result
`;
}

/** How to look into the cluster, where there is one. */
function clusterLines({ kubernetes }: Stack): string {
  if (kubernetes === undefined) return '';
  const { kubeconfig, kubectl, namespace } = kubernetes;
  return `
cluster           runs go there unless they say "fleet": "local"
                  ${kubectl} --kubeconfig ${kubeconfig} --namespace ${namespace} get jobs,pods`;
}
