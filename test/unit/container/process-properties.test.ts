// What config.json says of the process, as steps and as refusals with a JSON path.
import { describe, expect, it } from 'vitest';
import { type Change, callsOf, createdPlan, from, linuxWith, processWith, refusal } from './config-plan.js';
import { HOST, SITUATIONS } from './situations.js';

const call =
  (...names: string[]) =>
  (step: { call: string }) =>
    names.includes(step.call);
const indexOf = (change: Change, which: (step: { call: string; why: string }) => boolean) =>
  createdPlan(change).plan.steps.findIndex(which);

describe('limits', () => {
  it('are set one by one, infinity too', () => {
    const change: Change = ({ process }) => {
      process.rlimits = [
        { type: 'RLIMIT_NOFILE', soft: 64, hard: 128 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 18446744073709551615n },
      ];
    };
    expect(callsOf(change, from('process.rlimits'))).toEqual([
      'prlimit64(0, RLIMIT_NOFILE, {64, 128}, 0)',
      'prlimit64(0, RLIMIT_CORE, {0, infinity}, 0)',
    ]);
    // Behind whatever opens files or makes processes, and before the privileges to raise them are gone.
    const limit = indexOf(change, ({ call: name }) => name === 'prlimit64');
    expect(limit).toBeGreaterThan(indexOf(change, ({ call: name }) => name === 'pivot_root'));
    expect(limit).toBeLessThan(indexOf(change, ({ call: name }) => name === 'capset'));
  });

  it.each([
    [[{ type: 'RLIMIT_BOGUS', soft: 1, hard: 1 }], 'process.rlimits[0].type is no limit: RLIMIT_BOGUS'],
    [[{ type: 'SIGKILL', soft: 1, hard: 1 }], 'process.rlimits[0].type is no limit: SIGKILL'],
    [
      [
        { type: 'RLIMIT_CPU', soft: 1, hard: 1 },
        { type: 'RLIMIT_CPU', soft: 2, hard: 2 },
      ],
      'process.rlimits[1].type is there twice: RLIMIT_CPU',
    ],
    [[{ type: 'RLIMIT_CPU', soft: 2, hard: 1 }], 'process.rlimits[0].soft is above its hard limit of 1'],
  ])('%j are refused', (rlimits, message) => {
    expect(refusal(processWith({ rlimits }))).toBe(message);
  });
});

describe('capabilities', () => {
  it('that nobody names are none', () => {
    const steps = callsOf(
      ({ process }) => {
        delete process.capabilities;
      },
      call('capset', 'prctl'),
    );
    expect(steps).toContain('capset({version 3, self}, {0 capabilities})');
    expect(steps.filter((step) => step.includes('PR_CAPBSET_DROP'))).toHaveLength(41);
  });

  it('that are ambient are raised when they are permitted and inheritable', () => {
    const change: Change = ({ process }) => {
      const set = ['CAP_KILL', 'CAP_CHOWN'];
      process.capabilities = { bounding: set, effective: set, permitted: set, inheritable: set, ambient: ['CAP_KILL'] };
    };
    expect(callsOf(change, ({ args: [first] }) => first?.text === 'PR_CAP_AMBIENT')).toEqual([
      'prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)',
      'prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0)',
    ]);
  });

  it('that cannot be granted are left out, each with a warning', () => {
    const host = { ...HOST, capabilities: () => ~(1n << 24n) };
    const { warnings } = createdPlan(
      ({ process }) => {
        const some = ['CAP_KILL', 'CAP_SYS_RESOURCE', 'CAP_TO_FLY'];
        process.capabilities = {
          bounding: some,
          effective: ['CAP_CHOWN'],
          permitted: ['CAP_KILL'],
          inheritable: ['CAP_CHOWN'],
          ambient: ['CAP_KILL'],
        };
      },
      { ...SITUATIONS.hybrid, host },
    );
    expect(warnings).toEqual([
      'process.capabilities.bounding: CAP_TO_FLY is no capability that vlab knows',
      'process.capabilities.bounding: CAP_SYS_RESOURCE cannot be granted: vlab does not have it itself',
      'process.capabilities.effective: CAP_CHOWN cannot be granted: it is not in the permitted set',
      'process.capabilities.inheritable: CAP_CHOWN cannot be granted: it is not in the bounding set',
      'process.capabilities.ambient: CAP_KILL cannot be granted: it is not in both the permitted and the inheritable set',
    ]);
  });

  it('of docker’s default are not looked for on the host', () => {
    const host = {
      ...HOST,
      capabilities: () => {
        throw new Error('looked');
      },
    };
    expect(createdPlan(() => {}, { ...SITUATIONS.hybrid, host }).warnings).toEqual([]);
  });

  it('stay over the change of user', () => {
    const steps = callsOf(processWith({ user: { uid: 7, gid: 8 } }), call('prctl', 'setresuid', 'setresgid'));
    const at = (text: string) => steps.findIndex((step) => step.startsWith(text));
    expect(at('prctl(PR_SET_KEEPCAPS, 1')).toBeLessThan(at('setresuid(7, 7, 7)'));
    expect(at('setresgid(8, 8, 8)')).toBeLessThan(at('setresuid(7, 7, 7)'));
  });
});

describe('the filter', () => {
  const filtered =
    (noNewPrivileges: boolean, effective: string[]): Change =>
    (config) => {
      config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW' };
      config.process.noNewPrivileges = noNewPrivileges;
      config.process.capabilities = {
        bounding: effective,
        effective,
        permitted: effective,
        inheritable: [],
        ambient: [],
      };
    };
  const tail = (change: Change) => {
    const { steps } = createdPlan(change).plan;
    const at = steps.findIndex((step) => step.call === 'seccomp');
    return steps.slice(at - 1, at + 2).map((step) => step.call);
  };

  it('is the very last step before the program where no privileges can be gained', () => {
    expect(tail(filtered(true, ['CAP_KILL']))).toEqual(['close_range', 'seccomp', 'execve']);
    const steps = callsOf(filtered(true, ['CAP_KILL']), call('prctl', 'seccomp')).slice(-2);
    expect(steps).toEqual([
      'prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)',
      'seccomp(SECCOMP_SET_MODE_FILTER, 0, {1 instructions})',
    ]);
  });

  it('otherwise has one behind it, which gives up the capability that it took', () => {
    const steps = callsOf(filtered(false, ['CAP_KILL']), call('capset', 'seccomp', 'execve', 'setresuid'));
    expect(steps.slice(0, 4)).toEqual([
      'setresuid(0, 0, 0)',
      'capset({version 3, self}, {2 capabilities})',
      'seccomp(SECCOMP_SET_MODE_FILTER, 0, {1 instructions})',
      'capset({version 3, self}, {1 capabilities})',
    ]);
    expect(tail(filtered(false, ['CAP_KILL']))).toEqual(['close_range', 'seccomp', 'capset']);
    expect(tail(filtered(false, ['CAP_SYS_ADMIN']))).toEqual(['close_range', 'seccomp', 'execve']);
  });

  it('gets the flags that are asked for, and no others', () => {
    const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'];
    const change: Change = linuxWith({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', flags } });
    expect(callsOf(change, call('seccomp'))).toEqual([
      'seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_SPEC_ALLOW, {1 instructions})',
    ]);
    flags.push('SECCOMP_FILTER_FLAG_BOGUS');
    expect(refusal(change)).toBe('linux.seccomp.flags[2] is no flag of seccomp(2): SECCOMP_FILTER_FLAG_BOGUS');
  });

  it('that was never compiled is a bug of the caller', () => {
    const { seccomp: _, ...situation } = SITUATIONS.hybrid;
    expect(() => createdPlan(filtered(true, []), situation)).toThrow(RangeError);
  });

  it('that asks somebody hands its listener to the parent, which sends it', async () => {
    const change: Change = ({ linux, mounts }) => {
      mounts.length = 0;
      linux.maskedPaths = linux.readonlyPaths = linux.devices = [];
      linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: '/run/agent.sock',
        flags: ['SECCOMP_FILTER_FLAG_TSYNC'],
        syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
      };
    };
    const { plan } = createdPlan(change);
    const asked = plan.steps.filter(({ from: path, call: name, why }) => {
      return path?.startsWith('linux.seccomp') || name === 'futex' || /filter|listen/.test(why);
    });
    const { showPlan } = await import('../../../src/sys/show.js');
    await expect(
      showPlan({ ...plan, steps: asked.map((step) => ({ ...step, jump: undefined, jumpOn: undefined })) }),
    ).toMatchFileSnapshot('golden/seccomp-notify.txt');
  });
});

describe('labels', () => {
  const change: Change = ({ process }) =>
    Object.assign(process, { apparmorProfile: 'docker-default', selinuxLabel: 'a:b:c:s0' });

  it('are opened in the host’s /proc and written before that is closed; keys are labelled when they are made', () => {
    expect(callsOf(change, (step) => /label|confine|keyctl/.test(step.call + step.why))).toEqual([
      'openat(AT_FDCWD, "/proc/self/attr/keycreate", O_WRONLY|O_CLOEXEC) → label',
      'openat(AT_FDCWD, "/proc/self/attr/apparmor/exec", O_WRONLY|O_CLOEXEC) → label',
      'openat(AT_FDCWD, "/proc/self/attr/exec", O_WRONLY|O_CLOEXEC) → label',
      'write(label, "a:b:c:s0", 8)',
      'keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0)',
      'write(label, "exec docker-default", 19)',
      'write(label, "a:b:c:s0", 8)',
    ]);
    const opened = indexOf(change, ({ why }) => why.startsWith('hold the label'));
    expect(opened).toBeLessThan(indexOf(change, ({ call: name }) => name === 'pivot_root'));
    const last = indexOf(change, ({ why }) => why.startsWith('label the program'));
    const { steps } = createdPlan(change).plan;
    expect(steps.slice(last + 1, last + 3).map((step) => step.call)).toEqual(['dup3', 'close_range']);
  });

  it.each([
    ['apparmorProfile', 'AppArmor'],
    ['selinuxLabel', 'SELinux'],
  ])('%s needs a kernel with %s', (property, module) => {
    const host = { ...HOST, labels: () => ({ apparmor: false, selinux: false }) };
    const message = refusal(({ process }) => Object.assign(process, { [property]: 'x' }), {
      ...SITUATIONS.hybrid,
      host,
    });
    expect(message).toBe(`process.${property} needs ${module}, which this kernel runs without`);
  });
});

describe('the score of the out-of-memory killer', () => {
  it('is written before the process is hidden from itself, and the parent keeps its own', () => {
    const change: Change = processWith({ oomScoreAdj: -500 });
    const steps = callsOf(change, (step) => /score|-500|DUMPABLE/.test(showAll(step)));
    expect(steps).toEqual([
      'openat(AT_FDCWD, "/proc/self/oom_score_adj", O_RDONLY|O_CLOEXEC) → score',
      'read(score, score, 16) → bytes',
      'close(score)',
      'openat(AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY|O_CLOEXEC) → score',
      'write(score, "-500", 4)',
      'close(score)',
      'prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)',
    ]);
  });
});

const showAll = (step: { why: string; args: { text?: string }[] }) =>
  step.why + step.args.map(({ text }) => text).join();

describe('the working directory', () => {
  const inside = (cwd: string, uid = 0) =>
    callsOf(
      ({ process }) => Object.assign(process, { cwd, user: { uid, gid: 0 } }),
      (step) => step.from === 'process.cwd' || (step.call === 'mkdirat' && /^make \/[ab]/.test(step.why)),
    );

  it('needs no step when it is the root', () => expect(inside('/')).toEqual([]));

  it('is found through no magic link, and made where it is missing', () => {
    const how = '{O_DIRECTORY|O_PATH|O_CLOEXEC, IN_ROOT|NO_MAGICLINKS}, 24) → cwd';
    expect(inside('/a/./x/../b')).toEqual([
      `openat2(AT_FDCWD, "/a/./x/../b", ${how}`,
      'fchdir(cwd)',
      'mkdirat(AT_FDCWD, "a", 0755)',
      `openat2(AT_FDCWD, "/a", ${how}`,
      'mkdirat(cwd, "b", 0755)',
      `openat2(AT_FDCWD, "/a/b", ${how}`,
      'fchdir(cwd)',
    ]);
  });

  it('is tried once more as the user, where there is one', () => {
    expect(inside('/a', 7).slice(-2)).toEqual([expect.stringMatching(/^openat2\(AT_FDCWD, "\/a"/), 'fchdir(cwd)']);
    expect(inside('/a', 7)).toHaveLength(inside('/a').length + 2);
  });
});
