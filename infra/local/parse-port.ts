import { InvalidArgumentError } from 'commander';

/** @throws InvalidArgumentError in the words that a person reads. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('a port is a whole number from 1 to 65535');
  }
  return port;
}
