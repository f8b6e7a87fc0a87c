/** gRPC status codes that mean something to a downloader: grpc.github.io/grpc/core/md_doc_statuscodes.html */
const grpc = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  unauthenticated: 16,
  unimplemented: 12,
} as const;

/** Trying again cannot help, or not before a person did something. */
const hopeless: readonly number[] = [
  grpc.invalidArgument,
  grpc.permissionDenied,
  grpc.unauthenticated,
];

/** A part of the run's queue is not there: the run is over, or it makes a lost queue again. Who has time waits for that. */
export function isNotFound(error: unknown): boolean {
  return codeOf(error) === grpc.notFound;
}

export function isUnimplemented(error: unknown): boolean {
  return codeOf(error) === grpc.unimplemented;
}

/** A Pub/Sub call that fails the same way however often it is made. */
export function isHopeless(error: unknown): boolean {
  return hopeless.includes(codeOf(error) ?? -1);
}

/** The gRPC or HTTP status that a Google client's error carries. */
export function codeOf(error: unknown): number | null {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'number') return code;
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' ? status : null;
}

/** What an error says, as one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, ' ').trim();
}
