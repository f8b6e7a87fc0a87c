/** What Temporal knows of a run: of the newest execution of its chain, whatever was continued as new. */
export type RunStanding =
  | { readonly kind: 'open' }
  /** At this moment at the latest, Unix ms. */
  | { readonly kind: 'closed'; readonly atMs: number }
  /** Not a word: it was forgotten, or deleted. */
  | { readonly kind: 'unknown' };

/** Why something of a run was left. Their names are public: added, never renamed. */
export const leftTexts = {
  open: 'its run goes on',
  'closed-lately': 'its run ended lately',
  'unknown-lately': 'Temporal does not know its run, which began lately',
  unmarked: 'its labels do not say whose it is',
  unasked: 'Temporal could not be asked about its run',
  unremoved: 'it could not be removed, or not all of it',
} as const;

export type LeftReason = keyof typeof leftTexts;

/** What a sweep did: runs, and what there was of them. Public: a field may be added, none renamed. */
export type SweepResult = {
  readonly removed: {
    readonly runs: number;
    readonly topics: number;
    readonly subscriptions: number;
    /** Runs whose downloaders, or Jobs, were still there. */
    readonly fleets: number;
  };
  /** Runs of which something was left. */
  readonly left: Readonly<Record<LeftReason, number>>;
  /** What went wrong, some of it in words. */
  readonly problems: readonly string[];
};

/** How long what has no run is left alone. */
export type Patience = { readonly closedForMs: number; readonly unknownForMs: number };

export type Verdict =
  { readonly kind: 'remove' } | { readonly kind: 'leave'; readonly reason: LeftReason };

/** Whether what a run left is to be removed. */
export function judgeLeftover(
  standing: RunStanding,
  /** When its newest part was created, Unix ms; null when nothing says so. */
  createdAtMs: number | null,
  patience: Patience,
  nowMs: number,
): Verdict {
  switch (standing.kind) {
    case 'open':
      return { kind: 'leave', reason: 'open' };
    case 'closed':
      return nowMs - standing.atMs >= patience.closedForMs
        ? { kind: 'remove' }
        : { kind: 'leave', reason: 'closed-lately' };
    case 'unknown':
      if (createdAtMs === null) return { kind: 'leave', reason: 'unmarked' };
      return nowMs - createdAtMs >= patience.unknownForMs
        ? { kind: 'remove' }
        : { kind: 'leave', reason: 'unknown-lately' };
  }
}
