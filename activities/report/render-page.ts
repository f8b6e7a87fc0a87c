import { readFileSync } from 'node:fs';
import { Eta } from 'eta';
import type { RunReport } from './run-report.ts';
import { planPage } from './page-content.ts';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

/** Keys and errors are whatever a list or a site says: every value is escaped but the style sheet and the pictures. */
const eta = new Eta({ autoEscape: true });
const template = read('./page.eta');
const css = read('./page.css');

/** `report.html`: one file without scripts that opens from disk, in light and dark. */
export function renderPage(report: RunReport): string {
  return eta.renderString(template, { ...planPage(report), css });
}
