type Call<Answer> = Promise<Answer> & { cancel?: () => void };

/**
 * A call of a Google client that is cut off when the signal comes: the client itself would wait for an answer, and try again, for
 * up to ten minutes. Whether it was done is not known then.
 * @throws the signal's reason once it has come.
 */
export async function cutOff<Answer>(
  signal: AbortSignal,
  call: () => Promise<Answer>,
): Promise<Answer> {
  signal.throwIfAborted();
  const underWay: Call<Answer> = call();
  const cut = () => underWay.cancel?.();
  signal.addEventListener('abort', cut);
  try {
    return await underWay;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cut);
  }
}
