/**
 * The plan that a container's monitor performs when its first process has ended: it writes down how, removes what the run had,
 * and, unless who started it is there and does so itself, becomes the command that does the rest. Whatever of this fails, what
 * comes after is still done. Pure.
 */
import { dirname, join } from 'node:path';
import type { Cgroup } from '../../container/cgroup/cgroup.js';
import { type Arch, flags } from '../../sys/abi.js';
import { unblockSignals } from '../../sys/attached.js';
import { note } from '../../sys/channel.js';
import { num } from '../../sys/num.js';
import { label, MAX_RESULT, type Plan, PlanBuilder, type StepOptions } from '../../sys/plan.js';
import { CONTAINER_FILES } from '../record/container-files.js';
import { EXIT_RECORD, EXIT_RECORD_BYTES, FINISHED_AT } from './exit-record.js';
import { ATTACH_SOCKET, KEEP, NEW_EXIT } from './keep.js';

export interface EndPlanOptions {
  dir: string;
  runDir: string;
  cgroup: Cgroup;
  /** Who owns what the run made, when it is all removed; owners.ts. */
  ownerRecord: string;
  /** Empty: nothing is to be done. */
  finish: readonly string[];
  finishEnv: readonly string[];
}

/** Whatever comes of it. */
const ANYWAY: StepOptions = { accept: [-4095, MAX_RESULT] };

export function endPlan(arch: Arch, o: EndPlanOptions): Plan {
  const b = new PlanBuilder(arch);
  const { frame, frameBytes, payload } = note(b, EXIT_RECORD_BYTES, 'the end');
  const at = (offset: number, text: string) => ({ ...payload, offset: payload.offset + offset, text });
  const here = flags('AT_FDCWD');
  const finished = at(FINISHED_AT, '&finished');
  const siginfo = at(FINISHED_AT + EXIT_RECORD.time, '&siginfo');

  b.step('waitid', [flags('P_PIDFD'), KEEP.pidfd, siginfo, flags('WEXITED'), 0], 'reap it', { retryOnEintr: true });
  b.step('clock_gettime', [flags('CLOCK_REALTIME'), finished], 'when it had ended');
  readOom(b, o.cgroup, at(FINISHED_AT + EXIT_RECORD.time + EXIT_RECORD.siginfo, 'oom'));
  const rest = EXIT_RECORD_BYTES - FINISHED_AT;
  b.step('write', [KEEP.exitFile, finished, rest], 'write down how it ended', ANYWAY);
  const names = [b.str(join(o.dir, NEW_EXIT)), b.str(join(o.dir, CONTAINER_FILES.exit))] as const;
  b.step('renameat2', [here, names[0], here, names[1], 0], 'and show it whole', ANYWAY);

  const busy = label('not all could be removed');
  for (const path of o.cgroup.made) {
    b.step('unlinkat', [here, b.str(path), flags('AT_REMOVEDIR')], 'remove its cgroup', {
      ...ANYWAY,
      tolerate: ['EBUSY', 'ENOTEMPTY'],
      ...(o.cgroup.directories.some((directory) => directory.path === path) ? { jump: busy } : {}),
    });
  }
  // Of a further program in a container the record is in there too.
  const joined = o.dir === o.runDir;
  if (joined) b.step('unlinkat', [here, names[1], 0], 'nobody reads this one', ANYWAY);
  b.step('unlinkat', [here, b.str(join(o.runDir, ATTACH_SOCKET)), 0], 'nobody can attach any more', ANYWAY);
  b.step('unlinkat', [here, b.str(o.runDir), flags('AT_REMOVEDIR')], 'remove what lives while it runs', ANYWAY);
  if (joined) {
    const above = b.str(dirname(o.runDir));
    b.step('unlinkat', [here, above, flags('AT_REMOVEDIR')], "and the container's, when that has ended before", ANYWAY);
  }
  b.step('unlinkat', [here, b.str(o.ownerRecord), 0], 'nothing is owned any more', ANYWAY);
  b.place(busy);

  const end = label('somebody else does the rest');
  const byte = b.space(8, 'byte');
  // The start's record is not in this plan's image: who waits has it.
  b.step('lseek', [KEEP.exitFile, 0, 0], 'the record from its beginning', ANYWAY);
  b.step('read', [KEEP.exitFile, payload, FINISHED_AT], 'with whose end it is', ANYWAY);
  b.step('sendto', [KEEP.caller, frame, frameBytes, flags('MSG_NOSIGNAL'), 0, 0], 'tell who started it', ANYWAY);
  b.step('recvfrom', [KEEP.caller, byte, 1, 0, 0, 0], 'does it do the rest?', {
    ...ANYWAY,
    retryOnEintr: true,
    jump: end,
    jumpOn: 'positive',
  });
  b.step('close_range', [3, num(0xffffffff, '~0'), 0], 'nothing of the run is left');
  b.step('chdir', [b.str('/')], 'nor of the launcher');
  unblockSignals(b);
  const [program] = o.finish;
  if (program !== undefined)
    b.step(
      'execve',
      [b.str(program), b.stringArray(o.finish, 'argv'), b.stringArray(o.finishEnv, 'envp')],
      'become the command that does the rest',
      ANYWAY,
    );
  b.place(end);
  b.step('exit_group', [0], 'it is over');
  return b.build();
}

/** What its memory cgroup says of the kernel's killings, before it is removed. */
function readOom(b: PlanBuilder, cgroup: Cgroup, to: ReturnType<PlanBuilder['space']>): void {
  const memory = cgroup.directories.find(({ controllers }) => controllers.includes('memory'));
  if (!memory) return;
  const path = join(memory.path, memory.version === 1 ? 'memory.oom_control' : 'memory.events');
  const fd = b.word('fd');
  b.step('openat', [flags('AT_FDCWD'), b.str(path), flags('O_RDONLY', 'O_CLOEXEC')], 'was memory short?', {
    ...ANYWAY,
    result: fd,
  });
  b.step('read', [fd, to, EXIT_RECORD.oom], 'the kernel says', ANYWAY);
}
