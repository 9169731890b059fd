import { constants } from 'node:os';
import { VlabError } from '../base/errors.js';

type Stop = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** The person, or whoever runs the machine, stopped the command. The exit code is 128 + signal, as shells have it. */
export class Interrupted extends VlabError {
  override readonly name = 'Interrupted';
  constructor(signal: Stop) {
    super('operation', `interrupted by ${signal}`, { exitCode: 128 + constants.signals[signal] });
  }
}

/**
 * An AbortSignal that Ctrl-C aborts, for commands that clean up behind themselves. A second Ctrl-C no longer waits for
 * that. Dispose of it to give the signals their usual meaning back.
 */
export function interruptible(): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const stop = (name: Stop): void => {
    if (controller.signal.aborted) process.exit(new Interrupted(name).exitCode);
    controller.abort(new Interrupted(name));
  };
  const names: Stop[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, stop);
    },
  };
}
