import { z } from 'zod';

/** An order for an id that ends like this is for all that begin like it, before their own. */
const wildcard = '*';

/**
 * How the site misbehaves for an id. On page and clip: `gone` 404, `removed` 410, `forbidden` 403, `throttled` 429, `bot-check`
 * 403 with a page that asks for proof of a person, `failing` 500, `members` 403 without the cookie `session=valid`, with words that depend on
 * whether there is another session. `normal` takes an order back. On the clip alone: `slow` takes
 * `seconds` for its body, `hanging` stops half-way, `broken` drops the connection there, `resetting` resets it, `lying` ends early
 * by what its Content-Length promised too much, `surplus` sends more than that promised, `endless` never ends, `circling`
 * redirects to itself. Of what lies beside the clip: `bare` has nothing, `sideless` has a page that tells of what is not there, and
 * `odd-poster` a picture whose name ends in ".php".
 */
const kinds = [
  'slow',
  'hanging',
  'resetting',
  'surplus',
  'circling',
  'bare',
  'sideless',
  'odd-poster',
  'removed',
  'gone',
  'forbidden',
  'throttled',
  'bot-check',
  'failing',
  'members',
  'normal',
  'broken',
  'lying',
  'endless',
] as const;

const schema = z.strictObject({
  id: z.string().min(1),
  kind: z.enum(kinds),
  /** For that many requests, then normal again; for ever when absent. */
  times: z.int().min(1).optional(),
  /** How long `slow` takes. */
  seconds: z.number().positive().max(3600).default(5),
  /** What `throttled` asks for in its Retry-After header; no header when absent. */
  retryAfterSeconds: z.int().min(0).max(3600).optional(),
});

/** One order to misbehave, as `POST /behaviour` takes it. */
export type Behaviour = z.infer<typeof schema>;

/** Parses what was posted; throws an error that names every wrong field. */
export function parseBehaviour(text: string): Behaviour {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error('behaviour: not JSON — send {"id": "…", "kind": "gone"}', { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new Error(
    `behaviour: ${problems.join('; ')} — the fields are ${Object.keys(schema.shape).join(', ')}`,
  );
}

type Entry = { behaviour: Behaviour; left: number };

/** What the site was told, by id. */
export class Behaviours {
  readonly #byId = new Map<string, Entry>();

  set(behaviour: Behaviour): void {
    if (behaviour.kind === 'normal') this.#byId.delete(behaviour.id);
    else this.#byId.set(behaviour.id, { behaviour, left: behaviour.times ?? Infinity });
  }

  /** What an id was told, without counting a request; undefined means to behave. */
  see(id: string): Behaviour['kind'] | undefined {
    return (this.#ofMany(id) ?? this.#byId.get(id))?.behaviour.kind;
  }

  /** The behaviour for a request that it applies to, which is thereby counted; undefined means to behave. */
  take(id: string, isClip: boolean): Behaviour | undefined {
    const entry = this.#ofMany(id) ?? this.#byId.get(id);
    if (entry === undefined || !(isClip || isForPages(entry.behaviour))) return undefined;
    if (--entry.left <= 0) this.#byId.delete(entry.behaviour.id);
    return entry.behaviour;
  }

  #ofMany(id: string): Entry | undefined {
    for (const [of, entry] of this.#byId) {
      if (of.endsWith(wildcard) && id.startsWith(of.slice(0, -wildcard.length))) return entry;
    }
    return undefined;
  }
}

const kindsForPages: readonly Behaviour['kind'][] = [
  'gone',
  'removed',
  'forbidden',
  'throttled',
  'bot-check',
  'failing',
  'members',
];

function isForPages({ kind }: Behaviour): boolean {
  return kindsForPages.includes(kind);
}
