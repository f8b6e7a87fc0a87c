import { writeFileSync } from 'node:fs';

/**
 * Kubernetes takes no more of a container's termination message:
 * kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure#customizing-the-termination-message
 */
export const maxTerminationMessageBytes = 4_096;

/** Control characters and line ends, which have no place in the one line of a pod's status. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/** A text as one printable line of at most {@link maxTerminationMessageBytes}, cut between two characters. */
export function terminationMessageOf(text: string): string {
  const line = text.replaceAll(unprintable, ' ').trim();
  const bytes = Buffer.from(line).subarray(0, maxTerminationMessageBytes);
  // A stream's decoder keeps the start of a character whose end is missing to itself.
  return new TextDecoder().decode(bytes, { stream: true });
}

/**
 * Says why this process ends, in the file that Kubernetes shows in the container's status. In place, for the file is a
 * mount: it can't be replaced.
 * @throws whatever writing came back with.
 */
export function writeTerminationMessage(file: string, text: string): void {
  writeFileSync(file, terminationMessageOf(text));
}
