/** A container's run that a command waits for: `run` without -d, `start -a`, and `attach`. */
import { VlabError } from '../../base/errors.js';
import type { Attachment, Started } from '../../engine/run/start-request.js';
import { signalIfThere } from '../../sys/signal.js';
import { type Session, sayDetached } from './session.js';

export interface ForegroundEnd {
  /** The program's own; absent: somebody detached, and it goes on. */
  exitCode?: number;
}

/** `vlab run … | head -1`: as if the signal had ended this command, which ends docker's. */
const SIGPIPE_CODE = 141;

/**
 * Carries what the session's terminal says and is told until the container ends or is left. `started` was started with
 * `waits` and the session's streams. Error (`operation`): it ended and nobody knows how.
 */
export async function inForeground(
  session: Session,
  { init, attachment, ended }: Pick<Started, 'init' | 'attachment' | 'ended'>,
  { sigProxy }: { sigProxy: boolean },
): Promise<ForegroundEnd> {
  if (!ended) throw new RangeError('the start was not waited for');
  if (attachment) session.begin(attachment, sigProxy ? (name) => signalIfThere(init.pid, name) : undefined);
  try {
    const why = await attachment?.over;
    if (why === 'unread') return { exitCode: SIGPIPE_CODE };
    if (why === 'detached') {
      sayDetached();
      return {};
    }
    return { exitCode: (await ended).exitCode };
  } finally {
    session[Symbol.dispose]();
  }
}

/** The same for a client of a container that somebody else started. `ended` tells its exit code. */
export async function asClient(
  session: Session,
  attachment: Attachment,
  run: { pid: number; sigProxy: boolean; ended(): Promise<number | undefined> },
): Promise<ForegroundEnd> {
  session.begin(attachment, run.sigProxy ? (name) => signalIfThere(run.pid, name) : undefined);
  try {
    const why = await attachment.over;
    if (why === 'unread') return { exitCode: SIGPIPE_CODE };
    if (why === 'detached') {
      sayDetached();
      return {};
    }
    const exitCode = await run.ended();
    if (exitCode !== undefined) return { exitCode };
    throw new VlabError('operation', "this command has fallen too far behind the container's output", {
      hint: 'attach again; `vlab logs` shows all of it',
      exitCode: 1,
    });
  } finally {
    session[Symbol.dispose]();
  }
}
