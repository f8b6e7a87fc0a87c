import { z } from 'zod';
import { ownLabels } from './labels.ts';

/**
 * What a run asks of its downloaders' pods: the fields of Kubernetes, by Kubernetes' names. Everything else about a pod
 * stands in the Job template (k8s/job.yaml). The local fleet has no pods and refuses it.
 */

/** kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity */
const quantity = z.string().regex(/^\d+(\.\d+)?([munkKMGTPE]|[KMGTPE]i)?$/, {
  error: 'is not a quantity — write it like "500m", "2" or "4Gi"',
});

/** zod leaves this name out of a record without a word, for it would be the object's prototype. */
const bornName = '__proto__';

/** A record that refuses what zod would leave out. */
function record<Key extends z.core.$ZodRecordKey, Value extends z.core.SomeType>(
  key: Key,
  value: Value,
) {
  const isWhole = (input: unknown) =>
    typeof input !== 'object' || input === null || !Object.hasOwn(input, bornName);
  return z
    .custom<z.input<z.ZodRecord<Key, Value>>>(isWhole, {
      error: `holds the name "${bornName}", which nothing can have`,
    })
    .pipe(z.record(key, value));
}

const quantities = record(z.string().min(1), quantity);

/** kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const labelKey = z
  .string()
  .regex(
    /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    { error: 'is not a label name — write it like "team" or "example.com/team"' },
  );
const labelText = z.string().regex(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, {
  error: 'is not a label value — up to 63 letters, digits, "-", "_" and "."',
});

const extraKey = labelKey
  .refine((key) => !isOwn(key), {
    error: 'is one that Spotloop or the Job controller sets itself — choose another name',
  })
  .refine((key) => isOwn(key) || !reserved.test(key), {
    error:
      "is one that Kubernetes itself obeys, the operator's to set — have it added to the Job template",
  });

/** Domains of what the cluster itself acts on: kubernetes.io/docs/reference/labels-annotations-taints */
const reserved = /^([a-z0-9.-]+\.)?(kubernetes|k8s|gke)\.io\//;

const toleration = z.strictObject({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().nonnegative().optional(),
});

const fields = z.strictObject({
  /** One of those that the Temporal worker's configuration lists (I10); the first of them when left out. */
  image: z.string().min(1).optional(),
  /** The same for service accounts. */
  serviceAccount: z.string().min(1).optional(),
  /** Of each downloader; replaces the template's. */
  resources: z
    .strictObject({ requests: quantities.optional(), limits: quantities.optional() })
    .optional(),
  /** Replaces the template's, which asks for Spot nodes. */
  nodeSelector: record(labelKey, labelText).optional(),
  /** Added to the template's. */
  tolerations: z.array(toleration).max(32).optional(),
  /** Added to the Job and to its pods; a queue's name for Kueue, for example. */
  labels: record(extraKey, labelText).optional(),
  annotations: record(extraKey, z.string()).optional(),
});

export const podSchema = fields;

/** What a run asks of its downloaders' pods; absent means as in the template. */
export type PodRequest = z.infer<typeof podSchema>;

/** Names a user may write under `pod`, for the hint at a misspelt one. */
export const podFields: readonly string[] = Object.keys(fields.shape);

/** Labels and annotations by which we and the Job controller know a pod. */
function isOwn(key: string): boolean {
  return (
    ownLabels.includes(key) ||
    key.startsWith('spotloop') ||
    /^([a-z.-]*\.)?(batch\.kubernetes\.io)\//.test(key) ||
    ['job-name', 'controller-uid'].includes(key)
  );
}

export const placements = ['any', 'one-per-node'] as const;

/** Where pods may stand: wherever there is room, or never two of a run on one node. */
export type Placement = (typeof placements)[number];
