import type { v1 } from '@google-cloud/pubsub';
import { Context } from '@temporalio/activity';
import { failureTypes } from '../domain/failure-types.ts';
import { isTopic } from '../domain/notice.ts';
import type { Notice } from '../domain/notice.ts';
import { runFailure, stepError } from './run-failure.ts';

export type NotifyDeps = { readonly publisher: v1.PublisherClient };

export type NotifyInput = { readonly place: string; readonly notice: Notice };

/** A receiver that takes longer does its work before it answers; it is asked again. */
const answerMs = 30_000;

/** Statuses below 500 that may pass: RFC 9110 408 Request Timeout, RFC 6585 429 Too Many Requests. */
const passingStatuses: readonly number[] = [408, 429];

/**
 * Tells of a run's end: publishes a message, or posts to a web address. It may arrive twice.
 * @throws ApplicationFailure `StepFailed` when the receiver refuses it for good.
 */
export function createNotify({ publisher }: NotifyDeps) {
  return async function notify({ place, notice }: NotifyInput): Promise<void> {
    const text = JSON.stringify(notice);
    if (isTopic(place)) await publish(publisher, place, notice, text);
    else await post(place, text);
  };
}

/** The ending and the workflow id are attributes as well: subscriptions filter by these. */
async function publish(
  publisher: v1.PublisherClient,
  topic: string,
  { ending, workflowId }: Notice,
  text: string,
): Promise<void> {
  try {
    const attributes = { ending: ending.kind, workflowId };
    await publisher.publish({ topic, messages: [{ data: Buffer.from(text), attributes }] });
  } catch (error) {
    const hint = 'create the topic, and give the Temporal worker the role Pub/Sub Publisher on it';
    throw stepError(`notify ${topic}`, error, hint);
  }
}

async function post(url: string, body: string): Promise<void> {
  const signal = AbortSignal.any([
    Context.current().cancellationSignal,
    AbortSignal.timeout(answerMs),
  ]);
  // Its path and query may be secret: a failure shows in the run's history.
  const { host } = new URL(url);
  let status: number;
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body, signal });
    await response.body?.cancel();
    ({ status } = response);
  } catch (error) {
    throw stepError(`notify ${host}`, error, 'correct "notify"');
  }
  if (status >= 200 && status < 300) return;
  const message = `notify ${host}: HTTP ${status}`;
  if (status >= 500 || passingStatuses.includes(status)) throw new Error(message);
  throw runFailure(failureTypes.StepFailed, message);
}
