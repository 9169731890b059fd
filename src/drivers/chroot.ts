/** The oldest fence: another root directory, and nothing else (chroot(2)). */
import { hostArch } from '../sys/abi.js';
import { cloneProcess } from '../sys/clone.js';
import type { Driver, Job } from './driver.js';
import { launched } from './launched.js';
import { execHost, type ObserveOptions, observedPlan } from './observe.js';
import { probeByRunning } from './probe-by-running.js';

function plan(job: Job, command: readonly string[], files: ObserveOptions, rootless: boolean) {
  const hint = `check that ${job.rootfs} is a directory; chroot needs root or a user namespace`;
  return observedPlan(
    hostArch(),
    (b, stamps) => ({
      create: (pid) =>
        cloneProcess(b, {
          namespaces: rootless ? ['CLONE_NEWUSER'] : [],
          borrowsMemory: true,
          pid,
          why: rootless ? 'create the process, privileged in a user namespace of its own' : 'create the process',
          hint,
        }),
      enter() {
        b.step('chroot', [b.str(job.rootfs)], 'make the directory the root', { hint });
        b.step('chdir', [b.str('/')], 'and stand in it');
        stamps.stamp('rooted', 't2: the root has changed');
      },
      exec: () => execHost(b, command[0] ?? '', command, job.env),
    }),
    files,
  );
}

export const driver: Driver = {
  name: 'chroot',
  boundary: 'none',
  summary: 'a process with another root directory: names are fenced off, nothing else is',
  probe: () => probeByRunning(driver, { mend: 'run it as root, or allow unprivileged user namespaces' }),
  async prepare(job) {
    const rootless = process.getuid?.() !== 0;
    return launched({
      job,
      compile: (_id, files) => ({
        plan: plan(job, job.command, files, rootless),
        execPlan: (_pid, command, more) => plan(job, command, more, rootless),
      }),
    });
  },
};
