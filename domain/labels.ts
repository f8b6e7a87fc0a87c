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

/** Labels on everything that a run creates, by which the sweep finds what was left behind. */
export function runLabels(installation: string, run: string): Record<string, string> {
  return {
    'spotloop-installation': labelValue(installation),
    'spotloop-run': labelValue(run),
  };
}
