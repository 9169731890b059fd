/**
 * A plan that starts a program with a monitor. Three processes: the launcher's performer (P), the monitor (M), which P makes and
 * which leads a session of its own, and the program's process (C), whose parent is M. P only stays until C's program runs, to tell
 * the caller of a failure; then M depends on nobody: it becomes vlab-keep, and that, when C has ended, vlab-init with the plan of
 * the end (end-plan.ts). C dies with M. Moments and answers are conversation.ts's; behind the answer to `born` come
 * EXIT_RECORD.owner bytes. Pure.
 */
import { join } from 'node:path';
import type { OciProcess } from '../../container/config/schema.js';
import { conversation } from '../../container/conversation.js';
import { ownStdio } from '../../container/steps/descriptor-steps.js';
import type { ProcessSteps } from '../../container/steps/process-steps.js';
import { openTerminal, terminalPair } from '../../container/steps/terminal-steps.js';
import { flags } from '../../sys/abi.js';
import { takeAnswer } from '../../sys/agreement.js';
import { attached, blockSignals, unblockSignals } from '../../sys/attached.js';
import { type Cloned, cloneProcess } from '../../sys/clone.js';
import { num } from '../../sys/num.js';
import { type ArgLike, label, type Plan, type PlanBuilder, type Word } from '../../sys/plan.js';
import { EXIT_RECORD, EXIT_RECORD_BYTES, FINISHED_AT } from './exit-record.js';
import { NEW_EXIT } from './keep.js';
import { becomeKeep, type KeepOptions, keepPipes, listenForClients } from './keep-steps.js';

export interface MonitoredOptions extends KeepOptions {
  /** What comes when it has ended, encoded. */
  endPlan: Uint8Array;
}

/** What the program's process is: a container's first one, or one that joins a container. */
export interface MonitoredChild {
  create(pid: Word): Cloned;
  /** In the monitor, the first steps behind the clone. */
  adopt(): void;
  /** In the monitor, while the child waits. */
  outside(pid: Word): void;
  /** In the child. */
  enter(): void;
  /** In the child, behind `enter`: where terminals are. */
  terminalPlace(): { pts: Word; dev?: Word };
  drop(): void;
  findProgram(): void;
  pass: ProcessSteps['pass'];
  exec(failed?: ArgLike, done?: Word): void;
  /** In the monitor, when its program runs. */
  started(): void;
}

export function monitoredPlan(b: PlanBuilder, process: OciProcess, child: MonitoredChild, o: MonitoredOptions): Plan {
  const talk = conversation(b, { answersBorn: true, answersMounted: false, waitsForStart: false, reaps: true });
  const [toPerformer, toMonitor] = [attached(b), attached(b)];
  const [performer, monitor] = [label('performer'), label('monitor')];
  const running = b.space(8, 'running[2]');
  const record = b.space(EXIT_RECORD_BYTES, 'record');

  blockSignals(b);
  toPerformer.before();
  b.step('pipe2', [running, flags('O_CLOEXEC')], 'a pipe that tells when the program runs');
  cloneProcess(b, { namespaces: [], why: 'create its monitor' }).toParent(performer);

  b.step('setsid', [], 'it outlives who made it');
  toPerformer.child();
  const exitFile = openRecord(b, o.dir, record);
  const listener = listenForClients(b, o.runDir);
  toMonitor.before();
  talk.before();
  const pair = o.terminal ? terminalPair(b) : undefined;
  pair?.before();
  const pipes = o.terminal ? undefined : keepPipes(b, o.stdin !== 'closed');
  const cloned = child.create(talk.pid);
  cloned.toParent(monitor);

  b.step('setsid', [], 'a session of its own');
  talk.leaveParentsEnds();
  pipes?.become();
  talk.awaitParent('wait until the caller has done its part');
  child.enter();
  if (pair) {
    const size = process.consoleSize;
    openTerminal(b, { ...child.terminalPlace(), socket: pair.childEnd, ...(size ? { size } : {}) });
  }
  ownStdio(b, process.user.uid, o.terminal ? [0] : o.stdin === 'closed' ? [1, 2] : [0, 1, 2]);
  unblockSignals(b);
  child.drop();
  child.findProgram();
  toMonitor.child();
  talk.tellParent('everything is ready');
  const outcome = child.pass({ kept: talk.outcome, done: talk.mark });
  child.exec(outcome, talk.mark);

  b.place(monitor);
  pipes?.leave();
  talk.inParent({
    adopt: () => child.adopt(),
    outside() {
      takeAnswer(b, record, EXIT_RECORD.owner, 'take who it is');
      child.outside(talk.pid);
    },
  });
  talk.awaitProgram(() => {
    const started = { ...record, offset: record.offset + EXIT_RECORD.owner, text: '&started' };
    b.step('clock_gettime', [flags('CLOCK_REALTIME'), started], 'its program runs');
    b.step('write', [exitFile, record, FINISHED_AT], 'write down whose end is to come', { accept: [1, FINISHED_AT] });
    b.step('prctl', [flags('PR_SET_PDEATHSIG'), 0, 0, 0, 0], 'whoever made this may go');
    const word = [b.field(running, 4, 'w32', 'running[1]'), b.str('.'), 1] as const;
    b.step('write', [...word], 'and so may the performer', { tolerate: ['EPIPE'] });
  });
  child.started();
  const output: Word = pair ? pair.receive() : (pipes as NonNullable<typeof pipes>).output;
  becomeKeep(b, o, { pidfd: cloned.pidfd, listener, exitFile, output, pipes, endPlan: o.endPlan });
  talk.reapFailed(cloned.pidfd);

  b.place(performer);
  b.step('close', [b.field(running, 4, 'w32', 'running[1]')], 'leave it to the monitor');
  const byte = b.space(8, 'byte');
  b.step('read', [b.field(running, 0, 'w32', 'running[0]'), byte, 1], 'wait until its program runs', {
    accept: [1, 1],
    retryOnEintr: true,
  });
  b.step('exit_group', [0], 'the monitor answers from now on');
  return b.build();
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
