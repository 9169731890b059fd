/** What the program gets of the caller's descriptors. */
import { VlabError } from '../base/errors.js';
import type { Passed } from '../container/steps/descriptor-steps.js';
import type { Caller } from './caller.js';
import type { Invocation } from './invocation.js';

/** `--preserve-fds`, and those of socket activation (sd_listen_fds(3)). Error (`input`): one is not open. */
export function passedDescriptors({ caller, flags }: Invocation): Passed[] {
  const { LISTEN_FDS: activated = '' } = caller.env;
  return caller.pass((flags.integer('preserve-fds') ?? 0) + (/^\d+$/.test(activated) ? Number(activated) : 0));
}

const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;

function isDevice(mode: number | undefined): boolean {
  return mode === undefined || (mode & S_IFMT) === S_IFCHR;
}

/** Standard descriptors that the program's user must own: pipes and files, never devices. */
export function ownedStdio(caller: Caller): number[] {
  return [0, 1, 2].filter((number) => !isDevice(caller.stdioMode(number)));
}

/** Errors: `input` in the words of runc, which its callers know. */
export function checkTerminal(wanted: boolean, consoleSocket: string | undefined, foreground: boolean): void {
  if (wanted && consoleSocket === undefined && !foreground) {
    throw new VlabError('input', 'cannot allocate tty if runc will detach without setting console socket');
  }
  if (consoleSocket !== undefined && (!wanted || foreground)) {
    throw new VlabError('input', 'cannot use console socket if runc will not detach or allocate tty');
  }
}
