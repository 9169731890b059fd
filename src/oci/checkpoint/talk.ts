/** The caller's side of a conversation with criu: notifications are handled one after another, and the last message is the result. */
import type { Plan } from '../../sys/plan.js';
import type { Caller } from '../caller.js';
import { type CriuResponse, decodeResponse, REQUEST_TYPES } from './criu-rpc.js';
import { type ErrandName, encodeAnswer, messageIn } from './criu-steps.js';

export interface Handlers {
  /** A stage of criu's, by its name (criu(8), --action-script), before criu goes on. What it returns is done first. */
  reached(stage: string, pid: number | undefined): Promise<readonly ErrandName[]>;
  /** criu has done what it was asked. Before the performer's plan goes on. */
  succeeded?(response: CriuResponse): Promise<void>;
  /** A later note of the same plan; what it returns is answered. */
  afterwards?(payload: Buffer): Promise<Buffer>;
}

export interface Said {
  /** criu's last word; undefined: it ended without one. */
  response: CriuResponse | undefined;
  /** What a handler threw. criu gave up then. */
  trouble: unknown;
  /** How the plan ended, when it did not end well. */
  failure: Error | undefined;
}

export async function talkWithCriu(
  caller: Caller,
  plan: Plan,
  handlers: Handlers,
  how: { foreground?: boolean } = {},
): Promise<Said> {
  const said: Said = { response: undefined, trouble: undefined, failure: undefined };
  let talking = true;
  const performance = await caller.perform(plan, how);
  /** What is answered to one message. */
  const hear = async (message: Buffer | undefined): Promise<Buffer> => {
    const response = message && decodeResponse(message);
    if (response?.type === REQUEST_TYPES.NOTIFY && response.success) {
      const { script = '', pid } = response.notify ?? {};
      const errands = await handlers.reached(script, pid);
      return encodeAnswer({ more: true, errands, ...(pid === undefined ? {} : { pid }) });
    }
    talking = false;
    said.response = response;
    if (response?.success) await handlers.succeeded?.(response);
    return encodeAnswer({ more: false, pid: response?.success ? (response.restore?.pid ?? 0) : 0 });
  };
  const onNote = async (payload: Buffer): Promise<void> => {
    if (!talking) {
      if (handlers.afterwards && said.trouble === undefined) performance.answer(await handlers.afterwards(payload));
      return;
    }
    try {
      performance.answer(await hear(messageIn(payload)));
    } catch (error) {
      said.trouble ??= error;
      talking = false;
      performance.answer(encodeAnswer({ more: false })); // criu finds its way closed, and undoes what it did
    }
  };
  let chain = Promise.resolve();
  performance.onNote = (payload) => {
    const copy = Buffer.from(payload);
    chain = chain
      .then(() => onNote(copy))
      .catch((error) => {
        said.trouble ??= error;
        void performance.cancel();
      });
  };
  const ended = await performance.ended.catch((error: unknown) => error as Error);
  await chain;
  said.failure = ended instanceof Error ? ended : ended.failure;
  return said;
}
