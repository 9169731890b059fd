/** What a process may use, as steps: its limits and how readily the kernel kills it when memory runs out. Pure. */
import { ABI, type AbiName, flags } from '../../sys/abi.js';
import { words64 } from '../../sys/encode.js';
import type { ArgLike, PlanBuilder, Word } from '../../sys/plan.js';
import { configError } from '../config/parse-config.js';
import type { OciProcess } from '../config/schema.js';
import { type HostAbilities, RLIM_INFINITY } from '../host-abilities.js';

interface Limit {
  name: AbiName;
  soft: bigint;
  hard: bigint;
  /** The JSON path. */
  from: string;
}

/** process.rlimits, checked. Errors: `input` with the JSON path. */
export function limitsOf(process: OciProcess): Limit[] {
  const { rlimits = [] } = process;
  return rlimits.map(({ type, soft, hard }, index) => {
    const from = `process.rlimits[${index}]`;
    if (!/^RLIMIT_[A-Z]+$/.test(type) || !(type in ABI)) throw configError(`${from}.type`, `is no limit: ${type}`);
    if (rlimits.findIndex((other) => other.type === type) < index) {
      throw configError(`${from}.type`, `is there twice: ${type}`);
    }
    if (BigInt(soft) > BigInt(hard)) throw configError(`${from}.soft`, `is above its hard limit of ${hard}`);
    return { name: type as AbiName, soft: BigInt(soft), hard: BigInt(hard), from };
  });
}

/**
 * In the process itself, late: from here on it is held to them. It still needs so many descriptors: a smaller limit follows
 * (`setSmallLimits`).
 */
export function setLimits(b: PlanBuilder, limits: readonly Limit[], descriptors: number): void {
  for (const limit of limits) {
    const least = limit.name === 'RLIMIT_NOFILE' ? BigInt(descriptors) : 0n;
    const atLeast = (value: bigint) => (value < least ? least : value);
    setOwnLimit(b, { ...limit, soft: atLeast(limit.soft), hard: atLeast(limit.hard) });
  }
}

/** When it needs them no longer. To lower a limit takes no privileges. */
export function setSmallLimits(b: PlanBuilder, limits: readonly Limit[], descriptors: number): void {
  for (const limit of limits) {
    if (limit.name === 'RLIMIT_NOFILE' && limit.soft < BigInt(descriptors)) setOwnLimit(b, limit);
  }
}

function setOwnLimit(b: PlanBuilder, { name, soft, hard, from }: Limit): void {
  setLimit(b, 0, name, soft, hard, `limit ${name} to ${shown(soft)}, at most ${shown(hard)}`, from);
}

/**
 * In the parent, for a child in a new user namespace: only the host's CAP_SYS_RESOURCE raises hard limits, and the child
 * has it no longer.
 */
export function raiseLimits(b: PlanBuilder, limits: readonly Limit[], pid: Word, host: HostAbilities): void {
  for (const { name, hard, from } of limits) {
    if (hard <= host.hardLimit(LIMIT_NAMES[name] ?? name)) continue;
    setLimit(b, pid, name, hard, hard, `let it raise ${name} to ${shown(hard)}`, from);
  }
}

function setLimit(b: PlanBuilder, pid: ArgLike, name: AbiName, soft: bigint, hard: bigint, why: string, from: string) {
  const limit = b.data(words64(soft, hard), `{${shown(soft)}, ${shown(hard)}}`);
  b.step('prlimit64', [pid, flags(name), limit, 0], why, {
    from,
    hint: 'a hard limit is raised only with CAP_SYS_RESOURCE; `ulimit -Ha` shows what vlab may give',
  });
}

const shown = (limit: bigint) => (limit === RLIM_INFINITY ? 'infinity' : String(limit));

/** What /proc/PID/limits calls them (fs/proc/base.c, lnames). */
const LIMIT_NAMES: Partial<Record<AbiName, string>> = {
  RLIMIT_CPU: 'Max cpu time',
  RLIMIT_FSIZE: 'Max file size',
  RLIMIT_DATA: 'Max data size',
  RLIMIT_STACK: 'Max stack size',
  RLIMIT_CORE: 'Max core file size',
  RLIMIT_RSS: 'Max resident set',
  RLIMIT_NPROC: 'Max processes',
  RLIMIT_NOFILE: 'Max open files',
  RLIMIT_MEMLOCK: 'Max locked memory',
  RLIMIT_AS: 'Max address space',
  RLIMIT_LOCKS: 'Max file locks',
  RLIMIT_SIGPENDING: 'Max pending signals',
  RLIMIT_MSGQUEUE: 'Max msgqueue size',
  RLIMIT_NICE: 'Max nice priority',
  RLIMIT_RTPRIO: 'Max realtime priority',
  RLIMIT_RTTIME: 'Max realtime timeout',
};

const SCORE_FILE = '/proc/self/oom_score_adj';

/**
 * proc_pid_oom_score_adj(5). Among a child's first steps: its own file is not its own any more when it has changed its user.
 * A process on borrowed memory shares the value with the lender (kernel, __set_oom_adj): see `keepScore`.
 */
export function setScore(b: PlanBuilder, score: number): void {
  const fd = b.word('score');
  const text = String(score);
  const options = {
    from: 'process.oomScoreAdj',
    hint: 'the score is lowered only with CAP_SYS_RESOURCE, and no further than the runtime may go itself',
  };
  const file = b.str(SCORE_FILE);
  b.step('openat', [flags('AT_FDCWD'), file, flags('O_WRONLY', 'O_CLOEXEC')], 'open how readily it is killed', {
    result: fd,
    ...options,
  });
  b.step('write', [fd, b.str(text), text.length], `when memory runs out: ${text}`, options);
  b.step('close', [fd], 'done with it');
}

/** In a parent that stays: its own score, kept before the clone and given back once the child has a memory of its own. */
export function keepScore(b: PlanBuilder): { before(): void; after(): void } {
  const [fd, kept, bytes] = [b.word('score'), b.space(16, 'score'), b.word('bytes')];
  const open = (how: 'O_RDONLY' | 'O_WRONLY') =>
    b.step('openat', [flags('AT_FDCWD'), b.str(SCORE_FILE), flags(how, 'O_CLOEXEC')], 'open its own score', {
      result: fd,
    });
  return {
    before() {
      open('O_RDONLY');
      b.step('read', [fd, kept, 16], 'remember it', { result: bytes });
      b.step('close', [fd], 'done with it');
    },
    after() {
      // The child hid the memory that they shared (PR_SET_DUMPABLE), and these files with it.
      b.step('prctl', [flags('PR_SET_DUMPABLE'), 1, 0, 0, 0], 'have its own files in /proc again');
      open('O_WRONLY');
      // What a parent cannot have back, it goes without: it is only about who is killed first.
      b.step('write', [fd, { ...kept, text: 'score' }, bytes], 'which the child changed too', { tolerate: ['EACCES'] });
      b.step('close', [fd], 'done with it');
    },
  };
}
