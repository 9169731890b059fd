/**
 * The plan that starts a container of the engine. Three processes: the launcher's performer (P), the monitor (M), which P makes
 * and which leads a session of its own, and the container's first process (C), whose parent is M. P only stays until C's
 * program runs, to tell the caller of a failure; then M depends on nobody: it becomes vlab-keep, and that, when C has ended,
 * vlab-init with the plan of the end (end-plan.ts). C dies with M. Moments and answers are conversation.ts's; behind the answer
 * to `born` come EXIT_RECORD.owner bytes. Pure.
 */
import { join } from 'node:path';
import type { PlannedCgroup } from '../../container/cgroup/planned-cgroup.js';
import { compileContainer } from '../../container/compile.js';
import type { OciConfig } from '../../container/config/schema.js';
import { conversation } from '../../container/conversation.js';
import { withinLimits } from '../../container/plan-limits.js';
import type { Situation } from '../../container/situation.js';
import { ownStdio } from '../../container/steps/descriptor-steps.js';
import { findProgram } from '../../container/steps/program-steps.js';
import { openTerminal, terminalPair } from '../../container/steps/terminal-steps.js';
import type { RootMount } from '../../storage/root-mount.js';
import { flags } from '../../sys/abi.js';
import { takeAnswer } from '../../sys/agreement.js';
import { attached, blockSignals, unblockSignals } from '../../sys/attached.js';
import { cloneProcess } from '../../sys/clone.js';
import { num } from '../../sys/num.js';
import { label, type Plan, PlanBuilder, type Word } from '../../sys/plan.js';
import { EXIT_RECORD, EXIT_RECORD_BYTES, FINISHED_AT } from './exit-record.js';
import { NEW_EXIT } from './keep.js';
import { becomeKeep, type KeepOptions, keepPipes, listenForClients } from './keep-steps.js';

export interface StartPlanOptions extends KeepOptions {
  rootMount?: RootMount | undefined;
  /** What comes when it has ended, encoded. */
  endPlan: Uint8Array;
}

export interface StartPlan {
  plan: Plan;
  /** The child waits for the answer to `born`; with `outside` its maps of ids are written until then. */
  maps: ReturnType<typeof compileContainer>['maps'];
  warnings: string[];
}

/** Errors: those of compileContainer; `input` for somebody who would have to be asked about system calls. */
export function startPlan(
  config: OciConfig,
  situation: Situation,
  cgroup: PlannedCgroup,
  options: StartPlanOptions,
): StartPlan {
  return withinLimits(config, () => planOf(config, situation, cgroup, options));
}

function planOf(config: OciConfig, situation: Situation, cgroup: PlannedCgroup, o: StartPlanOptions): StartPlan {
  const b = new PlanBuilder(situation.arch);
  const container = compileContainer(b, config, situation, cgroup, o.rootMount);
  if (container.takeListener) throw new RangeError('nobody is asked about system calls here');
  const terminal = config.process.terminal === true;
  const talk = conversation(b, { answersBorn: true, answersMounted: false, waitsForStart: false });
  const [toPerformer, toMonitor] = [attached(b), attached(b)];
  const [performer, monitor] = [label('performer'), label('monitor')];
  const done = b.space(8, 'running[2]');
  const record = b.space(EXIT_RECORD_BYTES, 'record');

  blockSignals(b);
  toPerformer.before();
  b.step('pipe2', [done, flags('O_CLOEXEC')], 'a pipe that tells when the program runs');
  const cloned = cloneProcess(b, { namespaces: [], why: "create the container's monitor" });
  cloned.toParent(performer);

  b.step('setsid', [], 'it outlives who made it');
  toPerformer.child();
  const exitFile = openRecord(b, o.dir, record);
  const listener = listenForClients(b, o.runDir);
  toMonitor.before();
  talk.before();
  const pair = terminal ? terminalPair(b) : undefined;
  pair?.before();
  const pipes = terminal ? undefined : keepPipes(b, o.stdin !== 'closed');
  const child = container.create(talk.pid);
  child.toParent(monitor);

  b.step('setsid', [], 'a session of its own');
  talk.leaveParentsEnds();
  pipes?.become();
  talk.awaitParent('wait until the caller has done its part');
  container.enter({ rooted: () => {} });
  if (pair) {
    const size = config.process.consoleSize;
    openTerminal(b, { pts: container.pts(), dev: container.dev(), socket: pair.childEnd, ...(size ? { size } : {}) });
  }
  ownStdio(b, config.process.user.uid, terminal ? [0] : o.stdin === 'closed' ? [1, 2] : [0, 1, 2]);
  unblockSignals(b);
  container.drop();
  findProgram(b, config);
  toMonitor.child();
  talk.tellParent('everything is ready');
  const outcome = container.pass({ kept: talk.outcome, done: talk.mark });
  container.exec(outcome, talk.mark);

  b.place(monitor);
  pipes?.leave();
  talk.inParent({
    adopt: () => container.adopt(),
    outside() {
      takeAnswer(b, record, EXIT_RECORD.owner, 'take who it is');
      container.outside(talk.pid);
    },
  });
  talk.awaitProgram(() => {
    const started = { ...record, offset: record.offset + EXIT_RECORD.owner, text: '&started' };
    b.step('clock_gettime', [flags('CLOCK_REALTIME'), started], 'its program runs');
    b.step('write', [exitFile, record, FINISHED_AT], 'write down whose end is to come', { accept: [1, FINISHED_AT] });
    b.step('prctl', [flags('PR_SET_PDEATHSIG'), 0, 0, 0, 0], 'whoever made this may go');
    const byte = [b.field(done, 4, 'w32', 'running[1]'), b.str('.'), 1] as const;
    b.step('write', [...byte], 'and so may the performer', { tolerate: ['EPIPE'] });
  });
  container.started();
  const output: Word = pair ? pair.receive() : (pipes as NonNullable<typeof pipes>).output;
  becomeKeep(b, o, { pidfd: child.pidfd, listener, exitFile, output, pipes, endPlan: o.endPlan });

  b.place(performer);
  b.step('close', [b.field(done, 4, 'w32', 'running[1]')], 'leave it to the monitor');
  const byte = b.space(8, 'byte');
  b.step('read', [b.field(done, 0, 'w32', 'running[0]'), byte, 1], 'wait until its program runs', {
    accept: [1, 1],
    retryOnEintr: true,
  });
  b.step('exit_group', [0], 'the monitor answers from now on');
  return { plan: b.build(), maps: container.maps, warnings: container.warnings };
}

/** The file has its room on the disk before anything can go wrong. */
function openRecord(b: PlanBuilder, dir: string, record: ReturnType<PlanBuilder['space']>): Word {
  const fd = b.word('record');
  const how = flags('O_RDWR', 'O_CREAT', 'O_TRUNC', 'O_CLOEXEC');
  const path = b.str(join(dir, NEW_EXIT));
  b.step('openat', [flags('AT_FDCWD'), path, how, num(0o600, '0600')], 'where its end is written down', { result: fd });
  b.step('write', [fd, record, EXIT_RECORD_BYTES], 'room for all of it', {
    accept: [EXIT_RECORD_BYTES, EXIT_RECORD_BYTES],
  });
  b.step('lseek', [fd, 0, 0], 'to be filled later');
  return fd;
}
