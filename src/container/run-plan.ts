/** The plan of `vlab run`: a container in the foreground or, with files for its output, in the background. Pure. */
import type { RootMount } from '../storage/root-mount.js';
import { ABI, flags } from '../sys/abi.js';
import { attached, blockSignals, unblockSignals } from '../sys/attached.js';
import { CHANNEL_FD } from '../sys/channel.js';
import { words32 } from '../sys/encode.js';
import { num } from '../sys/num.js';
import { label, type Plan, PlanBuilder, type Word } from '../sys/plan.js';
import { Stamps } from '../sys/stamps.js';
import type { PlannedCgroup } from './cgroup/planned-cgroup.js';
import { compileContainer } from './compile.js';
import type { OciConfig } from './config/schema.js';
import type { Situation } from './situation.js';
import { terminalSteps } from './steps/terminal-steps.js';

export interface RunPlan {
  plan: Plan;
  cgroupDirectories: string[];
}

export interface RunPlanOptions {
  /** The compiled vlab-relay; needed where config.process.terminal is set. */
  relayPath?: string | undefined;
  /** The container outlives the caller: the launcher performs the plan, and output goes to these files. */
  detached?: { stdoutPath: string; stderrPath: string } | undefined;
  /** Where it goes, if not where all containers of `vlab run` go. */
  cgroup?: PlannedCgroup | undefined;
  /** What its root is made of; config.root.path is rootPathOf of it. Absent: that directory as it is. */
  rootMount?: RootMount | undefined;
}

export function runPlan(config: OciConfig, situation: Situation, options: RunPlanOptions = {}): RunPlan {
  const { relayPath, detached, cgroup, rootMount } = options;
  const b = new PlanBuilder(situation.arch);
  const stamps = new Stamps(b);
  const container = compileContainer(b, config, situation, cgroup, rootMount);
  if (container.needsOutside || container.takeListener) {
    throw new RangeError('this configuration needs somebody who answers: createPlan is for that');
  }
  const terminal = config.process.terminal && relayPath ? terminalSteps(b, relayPath) : undefined;
  const tie = attached(b);
  const parent = label('parent');

  if (detached) openOutput(b, detached);
  else dieWithCaller(b);
  blockSignals(b);
  tie.before();
  const running = detached ? runningPipe(b) : undefined;
  terminal?.before();
  const cloned = container.create(stamps.pid);
  cloned.toParent(parent);
  stamps.stamp('spawned', 't1: the container has a process');
  b.step('setsid', [], "a session of its own: the caller's terminal does not signal it");
  container.enter({ rooted: () => stamps.stamp('rooted', 't2: the container has its own root') });
  terminal?.child(container.pts(), container.dev());
  unblockSignals(b);
  container.drop();
  tie.child();
  container.pass({ kept: running?.childEnd });
  stamps.stamp('exec', 't3: the program is about to run');
  container.exec();

  b.place(parent);
  container.adopt();
  running?.await();
  stamps.send('tell the caller the pid, so that it can pass signals on');
  terminal?.relay();
  stamps.reapWhenDone(cloned.pidfd);
  terminal?.finish();
  container.after();
  stamps.stamp('clean', 't7: reaped, and what was made for it is gone');
  return { plan: b.build(), cgroupDirectories: container.cgroupDirectories };
}

/** A pipe that the program's exec closes (so does a failure before it): when it is closed, the one or the other is true. */
function runningPipe(b: PlanBuilder): { childEnd: Word; await(): void } {
  const pipe = b.space(8, 'running[2]');
  b.step('pipe2', [pipe, flags('O_CLOEXEC')], 'a pipe that closes when the program runs');
  const childEnd = b.field(pipe, 4, 'w32', 'running[1]');
  return {
    childEnd,
    await() {
      const byte = b.space(8, 'byte');
      b.step('close', [childEnd], 'leave it to the container');
      b.step('read', [b.field(pipe, 0, 'w32', 'running[0]'), byte, 1], 'wait until the program runs or has failed', {
        accept: [0, 0],
        retryOnEintr: true,
      });
    },
  };
}

/** Descriptors 0, 1 and 2 for a container that nobody looks at. */
function openOutput(b: PlanBuilder, files: { stdoutPath: string; stderrPath: string }): void {
  const create = flags('O_WRONLY', 'O_CREAT', 'O_APPEND', 'O_CLOEXEC');
  const opened = [
    ['/dev/null', flags('O_RDONLY', 'O_CLOEXEC')],
    [files.stdoutPath, create],
    [files.stderrPath, create],
  ] as const;
  opened.forEach(([path, how], number) => {
    const fd = b.word('fd');
    b.step('openat', [flags('AT_FDCWD'), b.str(path), how, num(0o600, '0600')], `open ${path}`, { result: fd });
    b.step('dup3', [fd, number, 0], `make it descriptor ${number}`);
  });
}

/** The performer ends with the caller, and goes no further if the caller has ended already. */
function dieWithCaller(b: PlanBuilder): void {
  const poll = b.data(words32(CHANNEL_FD, 0), '{the channel}');
  const zero = b.data(new Uint8Array(16), '{0 s}');
  b.step('prctl', [flags('PR_SET_PDEATHSIG'), num(ABI.SIGKILL, 'SIGKILL'), 0, 0, 0], 'end with the caller');
  b.step('ppoll', [poll, 1, zero, 0, 8], 'which must still be there', { accept: [0, 0], retryOnEintr: true });
}
