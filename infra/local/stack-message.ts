/** What a stack in the background tells `spotloop local up`, which started it and waits for it. */
export type StackMessage =
  | { readonly kind: 'report'; readonly line: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | {
      readonly kind: 'up';
      /** What a person needs to know to use it. */
      readonly directions: string;
      /** The variables by which Temporal's command and ours find it. */
      readonly variables: Readonly<Record<string, string>>;
    };
