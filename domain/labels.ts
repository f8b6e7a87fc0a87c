/** Google's limit on a label's value, and Kubernetes'. */
const maxLabelLength = 63;

/**
 * A label value that both Google Cloud and Kubernetes accept: lower-case letters, digits and "-", at most 63 of
 * them. A long text keeps its end, where a Temporal namespace is told apart from its neighbours.
 */
export function labelValue(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(-maxLabelLength)
    .replaceAll(/^-+|-+$/g, '');
}

/** Kubernetes' recommended labels on every Job and pod of ours: kubernetes.io/docs/concepts/overview/working-with-objects/common-labels */
export const downloaderLabels = {
  'app.kubernetes.io/name': 'spotloop',
  'app.kubernetes.io/component': 'downloader',
} as const;

/** On Jobs and pods: which generation of a run's Job it is, from 1. */
export const generationLabel = 'spotloop-generation';
/** On everything that a run creates: which installation and which run. */
export const installationLabel = 'spotloop-installation';
export const runLabel = 'spotloop-run';

/** Labels that nobody else may set. */
export const ownLabels: readonly string[] = [
  ...Object.keys(downloaderLabels),
  installationLabel,
  runLabel,
  generationLabel,
];

/** Labels on everything that a run creates, by which the sweep finds what was left behind. */
export function runLabels(installation: string, run: string): Record<string, string> {
  return {
    [installationLabel]: labelValue(installation),
    [runLabel]: labelValue(run),
  };
}
