/**
 * The plan of `create` and of `run` (runtime.md, "Lifecycle"): a container whose parent goes away. The performer (P) makes
 * the container's first process (C) and talks with the caller's TypeScript over the channel:
 *
 *   born     C exists; its pid is in the note. It goes no further than to the place before its program until the caller has
 *            recorded it and answered; with `answersBorn` not a step: id maps are written meanwhile.
 *   mounted  its file systems are mounted, and the old root is still there (with `answersMounted`): runtime hooks run now.
 *   created  C waits for `start`: the plan of `create` ends here.
 *   started  (`run`) the program runs; what follows is the caller's business.
 *
 * An answer is AGREED or REFUSED; behind the one to `born` are the state texts, where hooks inside the container read them. Pure.
 */
import type { RootMount } from '../storage/root-mount.js';
import { ABI, flags } from '../sys/abi.js';
import { unblockSignals } from '../sys/attached.js';
import { num } from '../sys/num.js';
import { label, type Plan, PlanBuilder, type Word } from '../sys/plan.js';
import type { PlannedCgroup } from './cgroup/planned-cgroup.js';
import { type ContainerSteps, compileContainer } from './compile.js';
import type { OciConfig } from './config/schema.js';
import { type Conversation, type ConversationOptions, conversation } from './conversation.js';
import { foregroundSteps, holdSignals } from './foreground-steps.js';
import { withinLimits } from './plan-limits.js';
import type { Situation } from './situation.js';
import { ownStdio, type Passed } from './steps/descriptor-steps.js';
import { hookSteps } from './steps/hook-steps.js';
import { findProgram } from './steps/program-steps.js';
import { connectConsole, openTerminal, terminalPair } from './steps/terminal-steps.js';

export interface CreateOptions extends Omit<ConversationOptions, 'waitsForStart'> {
  /** `create`: a FIFO that `start` writes a byte to, and one that it reads the outcome from. Absent for `run`. */
  fifos?: { start: string; outcome: string };
  /** Who takes the terminal: a socket's path (`--console-socket`). */
  consoleSocket?: string;
  /** The performer waits for the program, and its caller's terminal is the program's (`run` without `--detach`). */
  foreground?: { relayPath: string };
  /** Descriptors of the caller that the program gets: as `number`; the performer has them as `at`. */
  preserved: readonly Passed[];
  /** Descriptors 0, 1 and 2 that the container's user must own, to open them again by /proc/self/fd. */
  ownedStdio: readonly number[];
  /** What its root is made of; config.root.path is rootPathOf of it. Absent: that directory as it is. */
  rootMount?: RootMount | undefined;
}

export interface CreatePlan {
  plan: Plan;
  /** The child waits for the answer to `born` before it does anything: for the hooks' sake, or since something is done for it. */
  answersBorn: boolean;
  /** `outside`: whoever answers writes the maps of ids first. */
  maps: ContainerSteps['maps'];
  /** What of the configuration is left out. */
  warnings: string[];
  /** Directories of resctrl to remove with the container. */
  resctrlDirectories: string[];
}

/** Errors: those of compileContainer. */
export function createPlan(
  config: OciConfig,
  situation: Situation,
  cgroup: PlannedCgroup,
  options: CreateOptions,
): CreatePlan {
  return withinLimits(config, () => planOf(config, situation, cgroup, options));
}

function planOf(config: OciConfig, situation: Situation, cgroup: PlannedCgroup, asked: CreateOptions): CreatePlan {
  const b = new PlanBuilder(situation.arch);
  const container = compileContainer(b, config, situation, cgroup, asked.rootMount);
  if (container.takeListener && asked.listenerBytes === undefined) {
    throw new RangeError('who is asked about system calls must be told which process asks');
  }
  const answersBorn = asked.answersBorn || container.needsOutside || asked.listenerBytes !== undefined;
  const options = { ...asked, answersBorn };
  const { foreground } = options;
  const parent = label('parent');
  const talk = conversation(b, { ...options, waitsForStart: options.fifos !== undefined });
  const fifos = options.fifos && openFifos(b, options.fifos);
  const console = options.consoleSocket === undefined ? undefined : connectConsole(b, options.consoleSocket);
  const pair = config.process.terminal && foreground && !console ? terminalPair(b) : undefined;
  talk.before();
  pair?.before();
  const cloned = container.create(talk.pid);
  cloned.toParent(parent);
  inContainer(b, config, container, talk, { ...options, fifos, terminal: console ?? pair?.childEnd });

  b.place(parent);
  const { takeListener } = container;
  talk.inParent({
    adopt: () => container.adopt(),
    outside: () => container.outside(talk.pid),
    ...(takeListener ? { takeListener: (state) => takeListener(cloned.pidfd, state) } : {}),
  });
  // Until here a signal ends the performer, and with it the creation.
  const held = foreground && holdSignals(b);
  if (!fifos) {
    talk.awaitProgram();
    container.started();
  }
  if (foreground && held) {
    const terminal = pair?.receive();
    foregroundSteps(b, cloned, held.signals, { ...foreground, ...(terminal ? { terminal } : {}) });
  }
  const { maps, warnings, resctrlDirectories } = container;
  return { plan: b.build(), answersBorn, maps, warnings, resctrlDirectories };
}

interface InContainer extends Omit<CreateOptions, 'fifos'> {
  fifos: { start: Word; outcome: Word } | undefined;
  /** Where a terminal's other side is sent. */
  terminal: Word | undefined;
}

function inContainer(b: PlanBuilder, config: OciConfig, container: ContainerSteps, talk: Conversation, o: InContainer) {
  const { hooks = {} } = config;
  b.step('setsid', [], 'a session of its own');
  talk.leaveParentsEnds();
  if (o.answersBorn) talk.awaitParent('wait until the caller has done its part');
  container.enter({
    mounted: () => {
      if (o.answersMounted) {
        talk.tellParent('the file systems are mounted');
        talk.awaitParent('wait for the hooks that run outside');
      }
      if (hooks.createContainer && talk.states)
        hookSteps(b, 'createContainer', hooks.createContainer, talk.states.creating);
    },
    rooted: () => {},
  });
  if (o.terminal) {
    const size = config.process.consoleSize;
    openTerminal(b, { pts: container.pts(), dev: container.dev(), socket: o.terminal, ...(size ? { size } : {}) });
    b.step('close', [o.terminal], 'the receiver has the terminal');
  }
  ownStdio(b, config.process.user.uid, o.terminal ? [0] : o.ownedStdio);
  unblockSignals(b);
  container.drop(o.preserved);
  if (config.process.args.length > 0) findProgram(b, config);
  if (container.takeListener) {
    talk.tellParent('the filter comes next');
    container.confine(() => talk.awaitParent('wait until somebody listens'));
  }
  talk.tellParent('everything is ready');
  talk.awaitRecord();
  if (o.fifos) {
    b.step('read', [o.fifos.start, b.space(8, 'byte'), 1], 'wait for `start`', { accept: [1, 1], retryOnEintr: true });
  }
  if (hooks.startContainer && talk.states) hookSteps(b, 'startContainer', hooks.startContainer, talk.states.created);
  // A filter may forbid it later.
  if (o.fifos) b.step('write', [o.fifos.outcome, b.space(8, '{0}'), 8], 'tell that only its program is to come');
  // Nobody of the plan is left then to look at the mark.
  const mark = o.fifos ? undefined : talk.mark;
  const outcome = container.pass({ kept: o.fifos?.outcome ?? talk.outcome, done: mark });
  container.exec(outcome, mark);
}

/** Held by both sides without an end, so that neither waits for the other to open them (fifo(7)). */
function openFifos(b: PlanBuilder, paths: { start: string; outcome: string }): { start: Word; outcome: Word } {
  const open = (path: string, name: string) => {
    const fd = b.word(name);
    b.step('mknodat', [flags('AT_FDCWD'), b.str(path), num(ABI.S_IFIFO | 0o600, 'p600'), 0], `make the FIFO ${name}`);
    b.step('openat', [flags('AT_FDCWD'), b.str(path), flags('O_RDWR', 'O_CLOEXEC')], 'open both its ends', {
      result: fd,
    });
    return fd;
  };
  return { start: open(paths.start, 'start'), outcome: open(paths.outcome, 'outcome') };
}
