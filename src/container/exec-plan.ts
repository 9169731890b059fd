/**
 * The plan of `exec`: a further program in a running container. Its moments (conversation.ts) are `born`, which is
 * answered when the caller has seen that the container still is the one it means, and `started`. Pure.
 */
import { directoryFlags, flags } from '../sys/abi.js';
import { unblockSignals } from '../sys/attached.js';
import { label, type Plan, PlanBuilder } from '../sys/plan.js';
import type { JoinedCgroup } from './cgroup/cgroup.js';
import type { OciConfig } from './config/schema.js';
import { conversation } from './conversation.js';
import { foregroundSteps, holdSignals } from './foreground-steps.js';
import { withinLimits } from './plan-limits.js';
import type { Situation } from './situation.js';
import { ownStdio, type Passed } from './steps/descriptor-steps.js';
import { execPlanOf } from './steps/exec-steps.js';
import { findProgram } from './steps/program-steps.js';
import { connectConsole, openTerminal, terminalPair } from './steps/terminal-steps.js';
import { OPEN_HOW_BYTES, withinRoot } from './steps/within-root.js';

export interface ExecOptions {
  consoleSocket?: string;
  foreground?: { relayPath: string };
  preserved: readonly Passed[];
  ownedStdio: readonly number[];
  /** Length of the container process state, which is the answer to `born`; with SCMP_ACT_NOTIFY. */
  listenerBytes?: number;
}

/** `config`: the container's, with the process to run. `container`: its first process on the host, and its cgroups. */
export function execPlan(config: OciConfig, situation: Situation, container: ExecTarget, options: ExecOptions): Plan {
  return withinLimits(config, () => planOf(config, situation, container, options));
}

interface ExecTarget {
  pid: number;
  cgroups: readonly JoinedCgroup[];
}

function planOf(config: OciConfig, situation: Situation, container: ExecTarget, options: ExecOptions): Plan {
  const b = new PlanBuilder(situation.arch);
  const { process } = config;
  const steps = execPlanOf(b, config, situation, container);
  const { listenerBytes } = options;
  if (steps.takeListener && listenerBytes === undefined) {
    throw new RangeError('who is asked about system calls must be told which process asks');
  }
  const answersBorn = listenerBytes !== undefined;
  const { foreground } = options;
  const talk = conversation(b, {
    answersBorn,
    answersMounted: false,
    waitsForStart: false,
    reaps: foreground !== undefined,
    ...(answersBorn ? { listenerBytes } : {}),
  });
  const parent = label('parent');
  const console = options.consoleSocket === undefined ? undefined : connectConsole(b, options.consoleSocket);
  const pair = process.terminal && foreground && !console ? terminalPair(b) : undefined;
  talk.before();
  pair?.before();
  const cloned = steps.create(talk.pid);
  cloned.toParent(parent);
  b.step('setsid', [], 'a session of its own');
  talk.leaveParentsEnds();
  if (answersBorn) talk.awaitParent('wait until the caller has done its part');
  steps.enter();
  const socket = console ?? pair?.childEnd;
  if (process.terminal && socket) {
    const pts = b.word('pts');
    const how = withinRoot(b, directoryFlags(b.arch, 'O_PATH', 'O_CLOEXEC'));
    const found = [flags('AT_FDCWD'), b.str('/dev/pts'), how, OPEN_HOW_BYTES];
    b.step('openat2', found, "find the container's terminals, in its root", { result: pts });
    openTerminal(b, { pts, socket, ...(process.consoleSize ? { size: process.consoleSize } : {}) });
    b.step('close', [socket], 'the receiver has the terminal');
  }
  ownStdio(b, process.user.uid, socket ? [0] : options.ownedStdio);
  unblockSignals(b);
  steps.drop(options.preserved);
  findProgram(b, config);
  const { takeListener } = steps;
  if (takeListener) {
    talk.tellParent('the filter comes next');
    steps.confine(() => talk.awaitParent('wait until somebody listens'));
  }
  talk.tellParent('everything is ready');
  talk.awaitRecord();
  const outcome = steps.pass({ kept: talk.outcome, done: talk.mark });
  steps.exec(outcome, talk.mark);

  b.place(parent);
  talk.inParent({
    adopt: () => steps.adopt(),
    ...(takeListener ? { takeListener: (state) => takeListener(cloned.pidfd, state) } : {}),
  });
  const held = foreground && holdSignals(b);
  talk.awaitProgram();
  steps.started();
  if (foreground && held) {
    const terminal = pair?.receive();
    foregroundSteps(b, cloned, held.signals, { ...foreground, ...(terminal ? { terminal } : {}) });
    talk.reapFailed(cloned.pidfd);
  }
  return b.build();
}
