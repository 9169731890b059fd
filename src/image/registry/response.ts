/** Reads the bodies of answers, never more of them than was allowed. */
import type { fetch } from 'undici';
import { VlabError } from '../../base/errors.js';

export type Response = Awaited<ReturnType<typeof fetch>>;

/** The whole body. Error (`operation`): it has, or says it has, more than `most` bytes; the rest is not read. */
export async function readAtMost(response: Response, most: number): Promise<Uint8Array> {
  const tooLong = () => new VlabError('operation', `the answer has more than ${most} bytes`);
  if (Number(response.headers.get('content-length') ?? 0) > most) {
    await discard(response);
    throw tooLong();
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > most) throw tooLong(); // leaving the loop cancels the body
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Ends a body that nobody reads, so that its connection is free. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}
