/** Waits for the end of a run that somebody else started. */
import { type FSWatcher, watch } from 'node:fs';
import { stillRuns } from '../record/boot.js';
import { CONTAINER_FILES } from '../record/container-files.js';
import type { BootProcess } from '../record/container-state.js';
import { readExit } from './exit-record.js';
import type { ContainerEnd } from './start-request.js';

/** Nobody tells of a monitor that was killed. */
const LOOK_MS = 250;

/**
 * How the run of `init` in the container's directory ended, as soon as it is written down. Undefined: it ended and nobody could
 * write it down, since its monitor was killed (or the directory is gone). `signal` ends the waiting, with undefined.
 */
export function watchEnd(
  dir: string,
  run: { init: BootProcess; monitor: BootProcess | undefined },
  signal?: AbortSignal,
): Promise<ContainerEnd | undefined> {
  return new Promise((resolve) => {
    let watcher: FSWatcher | undefined;
    const done = (end: ContainerEnd | undefined) => {
      clearInterval(timer);
      watcher?.close();
      signal?.removeEventListener('abort', abort);
      resolve(end);
    };
    const abort = () => done(undefined);
    const look = () => {
      const gone = !stillRuns(run.init) && !stillRuns(run.monitor); // before the file is read: it is written first
      const end = readExit(dir);
      const { pid, startTime } = run.init;
      if (end?.init.pid === pid && end.init.startTime === startTime) done(end);
      else if (gone) done(undefined);
    };
    const timer = setInterval(look, LOOK_MS);
    try {
      watcher = watch(dir, (_, name) => {
        if (name === CONTAINER_FILES.exit) look();
      });
    } catch {
      // Removed already: the processes tell.
    }
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    else look();
  });
}
