/** Google's limit on a label's value, and Kubernetes'. */
const maxLabelLength = 63;

/** FNV-1a of 64 bits: datatracker.ietf.org/doc/html/draft-eastlake-fnv. Nobody is to be kept out by it, only mix-ups are. */
const fnv = { offset: 0xcbf29ce484222325n, prime: 0x100000001b3n, bits: 64 } as const;
/** 64 bits in base 36. */
const hashLength = 13;

const encoder = new TextEncoder();

function hash(text: string): string {
  let value: bigint = fnv.offset;
  for (const byte of encoder.encode(text)) {
    value = BigInt.asUintN(fnv.bits, (value ^ BigInt(byte)) * fnv.prime);
  }
  return value.toString(36).padStart(hashLength, '0');
}

/**
 * An installation's label value, which both Google Cloud and Kubernetes accept: lower-case letters, digits and "-", at most 63 of
 * them. For a person the text, of a long one its end, where a Temporal namespace is told apart from its neighbours; and a hash,
 * for two of them may read the same without upper case, marks and beginning, and neither may sweep the other's runs.
 */
export function installationValue(installation: string): string {
  const words = installation
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(-(maxLabelLength - 1 - hashLength))
    .replaceAll(/^-+|-+$/g, '');
  return words === '' ? hash(installation) : `${words}-${hash(installation)}`;
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

/** On topics and subscriptions, which know no time of their own: when they were created, Unix seconds. */
const createdLabel = 'spotloop-created';
/** On topics and subscriptions, with a number from 0 behind: the workflow id, as long as it is. */
const workflowLabel = 'spotloop-workflow-';
/** On Jobs and pods: the workflow id. An annotation, for it may be any text. */
export const workflowAnnotation = 'spotloop-workflow';

/** Labels on everything that a run creates, by which the sweep finds what was left behind. */
export function runLabels(installation: string, run: string): Record<string, string> {
  return { [installationLabel]: installationValue(installation), [runLabel]: run };
}

/** Labels of a run's topics and subscriptions: all that the sweep has to know of them. */
export function queueLabels(
  installation: string,
  run: { readonly name: string; readonly workflowId: string },
  createdAtMs: number,
): Record<string, string> {
  return {
    ...runLabels(installation, run.name),
    [createdLabel]: String(Math.floor(createdAtMs / 1000)),
    ...encodeWorkflowId(run.workflowId),
  };
}

/** What {@link queueLabels} says. */
export type QueueOwner = {
  readonly run: string;
  /** Null when the labels do not say. */
  readonly workflowId: string | null;
  readonly createdAtMs: number | null;
};

export type Labels = Readonly<Record<string, string | undefined>> | null | undefined;

/** Whose a topic or subscription is; null when it is not of this installation. */
export function queueOwner(labels: Labels, installation: string): QueueOwner | null {
  const run = labels?.[runLabel];
  if (run === undefined || labels?.[installationLabel] !== installationValue(installation)) {
    return null;
  }
  const created = labels[createdLabel] ?? '';
  return {
    run,
    workflowId: decodeWorkflowId(labels),
    createdAtMs: /^\d+$/.test(created) ? Number(created) * 1000 : null,
  };
}

/**
 * Any text in labels: lower-case letters, digits and "-" stay, every other byte of its UTF-8 becomes "_" and two hex digits. The
 * longest workflow id that Temporal takes, 1,000 bytes, takes 48 of the 64 labels that there may be.
 */
function encodeWorkflowId(workflowId: string): Record<string, string> {
  const text = [...encoder.encode(workflowId)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[a-z0-9-]/.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
  const labels: Record<string, string> = {};
  for (let at = 0; at < text.length; at += maxLabelLength) {
    labels[`${workflowLabel}${at / maxLabelLength}`] = text.slice(at, at + maxLabelLength);
  }
  return labels;
}

/** Null where it is not there, or was changed. */
function decodeWorkflowId(labels: NonNullable<Labels>): string | null {
  let text = '';
  for (let at = 0; ; at += 1) {
    const part = labels[`${workflowLabel}${at}`];
    if (part === undefined) break;
    text += part;
  }
  if (text === '' || !/^([a-z0-9-]|_[0-9a-f]{2})*$/.test(text)) return null;
  try {
    return decodeURIComponent(text.replaceAll('_', '%'));
  } catch {
    return null;
  }
}
