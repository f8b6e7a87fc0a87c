/**
 * Commands of README.md and docs/ that no transcript runs, as they are written there, and why. A document's command that is neither
 * here nor run by `test/e2e/transcript.test.ts` fails that test.
 */
export const commandsNotRun: ReadonlyMap<string, string> = new Map([
  ['npm run demo', 'test/infra/local/demo.test.ts runs it'],
  ['npm run demo -- --keep', 'it goes on until Ctrl-C'],
  ['npm run demo -- --fresh', 'it removes what demos of this machine stored'],
  ['npm run local', 'it goes on until Ctrl-C; what it starts is what all transcripts run against'],
  ['npm run spotloop -- local up', 'the transcript of docs/command.md runs it'],
  ['npm run local -- --fleet kubernetes', 'it needs root; npm run test:cluster starts such a one'],
  [
    `temporal workflow start --type downloadRun --task-queue spotloop --workflow-id nightly --input '{
  "items": "gs://my-bucket/youtube-ids", "destination": "gs://my-bucket/videos/",
  "workers": {"min": 1, "max": 50}, "placement": "one-per-node",
  "pod": {"resources": {"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"memory": "4Gi"}}}}'`,
    'it needs a cluster: test/cluster starts such runs',
  ],
  ['npm run check', 'it runs all tests'],
  ['npm test', 'it runs all tests'],
  ['npm run test:cluster', 'it needs root'],
  ['npm run test:faults', 'it takes ten minutes'],
  ['npm run test:faults -- --all --seed 42 --minutes 30', 'it takes half an hour'],
  ['npm run test:mutations', 'it takes minutes; test/mutations/try-mutation.test.ts runs one'],
  ['npm run test:mutations -- I7 I9-shell', 'it takes minutes'],
  ['npm run test:mutations -- --json', 'it takes minutes'],
  ['npm run test:all', 'it runs all tests'],
  ['npm run test:scale', 'it takes minutes'],
  ['npm run pictures', 'it changes files of the repository'],
  ['kubectl create namespace bulk', 'it needs a cluster: infra/local/kubernetes-fleet.ts does it'],
  ['SPOTLOOP_COOKIES_FILE=~/cookies.txt npm run local', 'it goes on until Ctrl-C'],
  [
    'kubectl create secret generic spotloop-credentials -n bulk --from-file=cookies.txt --from-file=proxy',
    'it needs a cluster: test/k8s/credentials.test.ts looks at what mounts it',
  ],
  ['kubectl apply -k .', 'it needs a cluster: test/cluster applies k8s/'],
  [
    'npm run spotloop -- audit gs://my-bucket/.spotloop/nightly-4f1c0a9b27d3/',
    'the transcripts of README.md and docs/command.md audit runs of theirs',
  ],
  [
    `npm run -s spotloop -- results collection | jq -r 'select(.object != null and ((.sideFiles // {}) | keys | any(endswith(".vtt")) | not)) | .key'`,
    'not every machine has jq; test/e2e/report-commands.test.ts reads such lines',
  ],
  ['FAST_CHECK_RUNS=10000 npm test -- test/domain test/activities/list', 'it takes minutes'],
  [
    `FAST_CHECK_SEED=1305767142 FAST_CHECK_PATH=61:0:1:1 npx node --test --test-name-pattern='is refused, or says the same' test/domain/messages.test.ts`,
    'what it gives again was mended long ago',
  ],
]);
