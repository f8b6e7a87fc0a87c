/** The command as it was called, for the lines that a person is to paste: npm tells its scripts their name. */
export const commandName =
  process.env['npm_lifecycle_event'] === 'spotloop' ? 'npm run spotloop --' : 'spotloop';
