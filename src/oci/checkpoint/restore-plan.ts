/**
 * The plan of `restore`: the container's cgroup and its root file system are made ready, and criu makes the processes, as
 * siblings of its own (rst_sibling): the performer is their parent, as it is that of a container it started itself. criu
 * binds the root file system by its path. (Where it is mounted somewhere for criu first, which criu wants before Linux 5.15,
 * criu takes that mount, which shows a part of the file system only, for the master of volumes that are beside it.) Pure.
 */
import { cgroupSteps } from '../../container/cgroup/cgroup-steps.js';
import type { PlannedCgroup } from '../../container/cgroup/planned-cgroup.js';
import type { OciConfig } from '../../container/config/schema.js';
import { foregroundSteps, holdSignals } from '../../container/foreground-steps.js';
import type { Situation } from '../../container/situation.js';
import { loopbackUp } from '../../container/steps/namespace-steps.js';
import { connectConsole } from '../../container/steps/terminal-steps.js';
import { flags } from '../../sys/abi.js';
import { num } from '../../sys/num.js';
import { type Plan, PlanBuilder, type Word } from '../../sys/plan.js';
import { descriptorMessage } from '../../sys/unix-socket.js';
import { type CriuStepsOptions, criuSteps } from './criu-steps.js';
import { makeMountpoints } from './mountpoint-steps.js';
import { passedNamespaces } from './restore-request.js';

export interface RestorePlanOptions extends Pick<CriuStepsOptions, 'criu' | 'request' | 'imagesDir' | 'workDir'> {
  bundle: string;
  rootfs: string;
  consoleSocket?: string;
  foreground?: { relayPath: string };
  /** The network namespace is new and gets no devices from the image: its loopback may have to be brought up. */
  bareNetwork?: boolean;
}

/** Errors: those of the container's cgroup. */
export function restorePlan(
  config: OciConfig,
  situation: Situation,
  cgroup: PlannedCgroup,
  { foreground, consoleSocket, ...o }: RestorePlanOptions,
): Plan {
  const b = new PlanBuilder(situation.arch);
  const cgroups = cgroupSteps(b, config, situation, cgroup);
  const held = foreground && holdSignals(b);
  const console = consoleSocket === undefined ? undefined : connectConsole(b, consoleSocket);
  const passed = passedNamespaces(config).map(({ number, path, from }) => {
    const fd = b.word('namespace');
    b.step('openat', [flags('AT_FDCWD'), b.str(path), flags('O_RDONLY', 'O_CLOEXEC')], 'hold what is joined', {
      result: fd,
      from,
    });
    return { number, fd };
  });
  makeMountpoints(b, config, situation, o);
  const { pid } = criuSteps(b, {
    ...o,
    passed,
    cgroups,
    diesWithPerformer: true,
    errands: {
      ...(config.process.terminal ? { terminal: ({ descriptor }) => takeTerminal(b, descriptor, console) } : {}),
      ...(o.bareNetwork ? { loopback: ({ pid: root }) => raiseLoopback(b, root) } : {}),
    },
  });
  if (foreground && held) {
    const pidfd = b.word('pidfd');
    b.step('pidfd_open', [pid, 0], "hold the container's first process", { result: pidfd });
    const terminal = config.process.terminal && !console ? { terminal: b.word('terminal', TERMINAL) } : {};
    foregroundSteps(b, { pidfd }, held.signals, { ...foreground, ...terminal });
  }
  return b.build();
}

/** Where the terminal is held: its number is known beforehand, whichever of criu's messages brings it. */
const TERMINAL = 112;

function takeTerminal(b: PlanBuilder, descriptor: Word, console: Word | undefined): void {
  b.step('dup3', [descriptor, num(TERMINAL, 'terminal'), flags('O_CLOEXEC')], "take the terminal's other side");
  b.step('close', [descriptor], 'by a number known beforehand');
  if (!console) return;
  const text = 'terminal';
  const shown = b.data(Buffer.from(text), JSON.stringify(text));
  const sent = descriptorMessage(b, { text: shown, bytes: text.length, shown: '{terminal}' });
  b.put(sent.descriptor.offset, TERMINAL, 32);
  b.step('sendmsg', [console, sent.message, flags('MSG_NOSIGNAL')], 'send it to who takes the terminal');
  b.step('close', [num(TERMINAL, 'terminal')], 'and keep none of it');
}

/** What is restored without its devices has a loopback that is down. */
function raiseLoopback(b: PlanBuilder, pid: Word): void {
  const own = b.word('own');
  const path = b.str('/proc/self/ns/net');
  b.step('openat', [flags('AT_FDCWD'), path, flags('O_RDONLY', 'O_CLOEXEC')], 'hold its own network, to come back', {
    result: own,
  });
  const pidfd = b.word('pidfd');
  b.step('pidfd_open', [pid, 0], "hold the container's first process", { result: pidfd });
  b.step('setns', [pidfd, flags('CLONE_NEWNET')], 'go into its network');
  loopbackUp(b);
  b.step('setns', [own, flags('CLONE_NEWNET')], 'and come back');
  for (const fd of [pidfd, own]) b.step('close', [fd], 'done with it');
}
