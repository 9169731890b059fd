/** An OCI seccomp profile → what libseccomp is asked for (config-linux.md, "Seccomp"). Pure. */
import { configError } from '../config/parse-config.js';
import type { OciSeccomp, SECCOMP_ACTIONS, SECCOMP_OPERATORS } from '../config/schema.js';
import type { LibraryRequest } from './libseccomp.js';

type Action = (typeof SECCOMP_ACTIONS)[number];

/** SCMP_ACT_… of seccomp.h, which are SECCOMP_RET_… of the kernel. */
const ACTIONS: Record<Action, number> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};
const WITH_ERRNO: readonly Action[] = ['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE'];
const EPERM = 1;
/** MAX_ERRNO of the kernel for ERRNO; a tracer gets any 16 bits. */
const GREATEST_ERRNO = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 0xffff } as Partial<Record<Action, number>>;

/** enum scmp_compare. */
const OPERATORS: Record<(typeof SECCOMP_OPERATORS)[number], number> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** Names of the specification. */
export const ARCHITECTURES: ReadonlySet<string> = new Set(
  (
    'X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X ' +
    'PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB'
  )
    .split(' ')
    .map((name) => `SCMP_ARCH_${name}`),
);

/** The library's own are these in lower case and without SCMP_ARCH_. */
export const libraryName = (architecture: string) => architecture.slice('SCMP_ARCH_'.length).toLowerCase();

export interface Wanted {
  request: LibraryRequest;
  /** JSON paths of the request's architectures and rules. */
  architecturesFrom: string[];
  rulesFrom: string[];
}

/** Errors: `input` with the JSON path. */
export function wantedOf(profile: OciSeccomp): Wanted {
  const path = 'linux.seccomp';
  const defaultAction = actionOf(profile.defaultAction, profile.defaultErrnoRet, `${path}.default`, 'ErrnoRet');
  const architectures = (profile.architectures ?? []).map((name, index) => {
    if (!ARCHITECTURES.has(name)) throw configError(`${path}.architectures[${index}]`, `is no architecture: ${name}`);
    return libraryName(name);
  });
  const rules: LibraryRequest['rules'] = [];
  const rulesFrom: string[] = [];
  const known = new Set<string>(); // for the library takes its time with each rule, also with one that it has
  (profile.syscalls ?? []).forEach((entry, index) => {
    const from = `${path}.syscalls[${index}]`;
    const action = actionOf(entry.action, entry.errnoRet, `${from}.`, 'errnoRet');
    if (action === defaultAction) return;
    const tests = (entry.args ?? []).map(({ index: at, value, valueTwo = 0, op }): [number, number, string, string] => {
      return [at, OPERATORS[op], String(value), String(valueTwo)];
    });
    // The library takes one test of an argument in a rule: several become rules of their own, any of which is enough.
    const distinct = new Set(tests.map(([at]) => at)).size === tests.length;
    for (const name of entry.names) {
      for (const group of distinct ? [tests] : tests.map((test) => [test])) {
        const key = JSON.stringify([action, name, group]);
        if (known.has(key)) continue;
        known.add(key);
        rules.push({ action, name, tests: group });
        rulesFrom.push(from);
      }
    }
  });
  const architecturesFrom = architectures.map((_, index) => `${path}.architectures[${index}]`);
  return { request: { defaultAction, architectures, rules }, architecturesFrom, rulesFrom };
}

function actionOf(action: Action, errno: number | undefined, path: string, property: string): number {
  if (!WITH_ERRNO.includes(action)) {
    if (errno !== undefined) throw configError(`${path}${property}`, `does not go with ${action}`);
    return ACTIONS[action];
  }
  const greatest = GREATEST_ERRNO[action] ?? 0;
  if ((errno ?? EPERM) > greatest) throw configError(`${path}${property}`, `is above ${greatest}`);
  return ACTIONS[action] | (errno ?? EPERM);
}

/** Whether somebody is asked (SCMP_ACT_NOTIFY). Errors: `input`, where the one who asks could not get so far. */
export function notifies(profile: OciSeccomp): boolean {
  const path = 'linux.seccomp';
  const { defaultAction, syscalls = [], listenerPath, listenerMetadata, flags = [] } = profile;
  const byDefault = defaultAction === 'SCMP_ACT_NOTIFY';
  const asked = syscalls.findIndex(({ action }) => action === 'SCMP_ACT_NOTIFY');
  if (listenerMetadata !== undefined && !listenerPath) {
    throw configError(`${path}.listenerMetadata`, 'needs listenerPath');
  }
  if (!byDefault && asked < 0) {
    const waits = flags.indexOf('SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV');
    if (waits >= 0) throw configError(`${path}.flags[${waits}]`, 'needs a system call with SCMP_ACT_NOTIFY');
    return false;
  }
  if (!listenerPath) throw configError(`${path}.listenerPath`, 'is needed with SCMP_ACT_NOTIFY: who is to be asked?');
  const hint = "the container's process waits by it for the listener to be there";
  syscalls.forEach(({ names, action }, index) => {
    if (action === 'SCMP_ACT_NOTIFY' && names.includes('read')) {
      throw configError(`${path}.syscalls[${index}].names`, 'may not have read with SCMP_ACT_NOTIFY', { hint });
    }
  });
  const reads = syscalls.some(({ names, action, args = [] }) => {
    return names.includes('read') && args.length === 0 && ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'].includes(action);
  });
  if (byDefault && !reads) {
    throw configError(`${path}.defaultAction`, 'may be SCMP_ACT_NOTIFY only with a rule that allows read', { hint });
  }
  return true;
}
