import { ensurePart } from './install/part.ts';
import type { Report } from './install/part.ts';
import { findTestServer } from './install/test-server.ts';

/**
 * Installs Temporal's time-skipping test server where needed and gives back its path, for
 * `TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } })`.
 */
export async function installTestServer(report?: Report): Promise<string> {
  return ensurePart(await findTestServer(), report);
}
