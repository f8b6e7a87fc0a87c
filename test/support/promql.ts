import { parser } from '@prometheus-io/lezer-promql';
import type { Series } from './prometheus.ts';

/** What a query asks for by name: `metric{label="value"}`. */
export type Selector = { readonly metric: string; readonly matchers: readonly Matcher[] };
export type Matcher = { readonly label: string; readonly operator: string; readonly value: string };

/** Labels by which a part of a query groups or joins, and the metrics within that part. */
export type Grouping = { readonly labels: readonly string[]; readonly metrics: readonly string[] };

type Node = ReturnType<typeof parser.parse>['topNode'];

/**
 * What a query names, read by Prometheus' own grammar.
 * @throws Error that shows where it is not PromQL.
 */
export function namesIn(query: string): { selectors: Selector[]; groupings: Grouping[] } {
  const { topNode } = parser.parse(query);
  const textOf = (node: Node | null): string =>
    node === null ? '' : query.slice(node.from, node.to);
  for (const node of nodesIn(topNode)) {
    if (node.type.isError) throw new Error(`not PromQL at ${node.from}: ${query}`);
  }
  const selectorOf = (node: Node): Selector => ({
    metric: textOf(node.getChild('Identifier')),
    matchers: nodesIn(node)
      .filter(({ name }) => name === 'UnquotedLabelMatcher')
      .map((matcher) => ({
        label: textOf(matcher.getChild('LabelName')),
        operator: textOf(matcher.getChild('MatchOp')),
        value: JSON.parse(textOf(matcher.getChild('StringLiteral'))) as string,
      })),
  });
  const selectorsIn = (node: Node): Selector[] =>
    nodesIn(node)
      .filter(({ name }) => name === 'VectorSelector')
      .map(selectorOf);
  const groupings = nodesIn(topNode)
    .filter(({ name }) => name === 'GroupingLabels')
    .map((node) => ({
      labels: node.getChildren('LabelName').map(textOf),
      metrics: selectorsIn(wholeOf(node)).map(({ metric }) => metric),
    }));
  return { selectors: selectorsIn(topNode), groupings };
}

/** The series that a selector finds: prometheus.io/docs/prometheus/latest/querying/basics */
export function found(series: readonly Series[], { metric, matchers }: Selector): Series[] {
  return series.filter(
    ({ name, labels }) =>
      name === metric && matchers.every((matcher) => isMatch(labels[matcher.label] ?? '', matcher)),
  );
}

function isMatch(text: string, { operator, value }: Matcher): boolean {
  const isSame = operator.endsWith('~') ? new RegExp(`^(?:${value})$`).test(text) : text === value;
  return operator.startsWith('!') ? !isSame : isSame;
}

/** The aggregation or operation that labels in brackets belong to. */
function wholeOf(node: Node): Node {
  let whole = node;
  while (!['AggregateExpr', 'BinaryExpr'].includes(whole.name) && whole.parent !== null) {
    whole = whole.parent;
  }
  return whole;
}

function nodesIn(node: Node): Node[] {
  const nodes = [node];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    nodes.push(...nodesIn(child));
  }
  return nodes;
}
