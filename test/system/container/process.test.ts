// What config.json says of a process, as the process finds itself. Needs root, and dist/ (npm test builds it).
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { capabilityMask, DEFAULT_CAPABILITIES } from '../../../src/container/config/capabilities.js';
import { hostAbilities } from '../../../src/container/host-abilities.js';
import { isRoot, needs } from '../../skips.js';
import { Bundle, type Change, fieldsOf } from './oci-bundle.js';

let bundle: Bundle;
beforeAll(async () => {
  bundle = await Bundle.make();
});
beforeEach((context) => needs(context, 'root', isRoot));
afterAll(() => bundle[Symbol.dispose]());

const processWith =
  (properties: object): Change =>
  ({ process }) => {
    Object.assign(process, properties);
  };
const status = async (change: Change) => fieldsOf(await bundle.output(['cat', '/proc/self/status'], change));
const hex = (...names: string[]) => capabilityMask(names).toString(16).padStart(16, '0');
const NONE = hex();

describe('user', () => {
  it('is this one, with these groups and this mask', async () => {
    const seen = await status(processWith({ user: { uid: 1000, gid: 1001, additionalGids: [5, 7], umask: 0o27 } }));
    expect([seen.Uid, seen.Gid, seen.Groups, seen.Umask]).toEqual([
      '1000\t1000\t1000\t1000',
      '1001\t1001\t1001\t1001',
      '5 7',
      '0027',
    ]);
  });

  it('0 has no group of the caller', async () => {
    const seen = await status(() => {});
    expect([seen.Uid?.slice(0, 1), seen.Groups, seen.Umask]).toEqual(['0', '', '0022']);
  });
});

describe('capabilities', () => {
  const sets = (seen: Record<string, string>) =>
    ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => seen[name]);

  it('are those of each set', async () => {
    const capabilities = {
      bounding: ['CAP_KILL', 'CAP_CHOWN', 'CAP_FOWNER'],
      permitted: ['CAP_KILL', 'CAP_CHOWN'],
      effective: ['CAP_KILL'],
      inheritable: ['CAP_CHOWN'],
      ambient: [],
    };
    // What root has after exec is the inheritable and the bounding set, as far as no privileges were gained.
    const seen = await status(processWith({ capabilities, noNewPrivileges: true }));
    expect(sets(seen)).toEqual([
      hex('CAP_CHOWN'),
      hex('CAP_KILL', 'CAP_CHOWN'),
      hex('CAP_KILL', 'CAP_CHOWN'),
      hex(...capabilities.bounding),
      NONE,
    ]);
  });

  it('are none when nobody names any', async () => {
    const seen = await status(({ process }) => {
      delete process.capabilities;
    });
    expect(sets(seen)).toEqual([NONE, NONE, NONE, NONE, NONE]);
  });

  it('of another user are the ambient ones after exec', async () => {
    const set = ['CAP_NET_BIND_SERVICE', 'CAP_KILL'];
    const capabilities = { bounding: set, permitted: set, effective: set, inheritable: set, ambient: ['CAP_KILL'] };
    const kill = hex('CAP_KILL');
    const seen = await status(processWith({ user: { uid: 7, gid: 7 }, capabilities }));
    expect(sets(seen)).toEqual([hex(...set), kill, kill, hex(...set), kill]);
    const without = await status(processWith({ user: { uid: 7, gid: 7 } }));
    expect(sets(without)).toEqual([NONE, NONE, NONE, hex(...DEFAULT_CAPABILITIES), NONE]);
  });

  it('that are unknown, or that nobody here has, are left out and named', async () => {
    const lacking = ['CAP_SYS_RESOURCE', 'CAP_SYS_TIME', 'CAP_MAC_ADMIN'].filter(
      (name) => !(hostAbilities.capabilities() & capabilityMask([name])),
    );
    const set = ['CAP_KILL', 'CAP_TO_FLY', ...lacking];
    const capabilities = { bounding: set, permitted: set, effective: set, inheritable: [], ambient: [] };
    const { code, stderr, stdout } = await bundle.run(['cat', '/proc/self/status'], processWith({ capabilities }));
    expect(code).toBe(0);
    expect(fieldsOf(stdout).CapPrm).toBe(hex('CAP_KILL'));
    for (const name of ['CAP_TO_FLY', ...lacking]) expect(stderr).toContain(name);
  });
});

describe('limits', () => {
  it('are these, infinity too', async () => {
    const rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 64, hard: 128 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 18446744073709551615n },
      { type: 'RLIMIT_STACK', soft: 1 << 20, hard: 2 << 20 },
    ];
    const seen = await bundle.output(['cat', '/proc/self/limits'], processWith({ rlimits }));
    expect(seen).toMatch(/^Max open files +64 +128 +files/m);
    expect(seen).toMatch(/^Max core file size +0 +unlimited +bytes/m);
    expect(seen).toMatch(/^Max stack size +1048576 +2097152 +bytes/m);
  });

  it('of nothing at all are set too, when everything is open', async () => {
    const rlimits = [{ type: 'RLIMIT_NOFILE', soft: 3, hard: 3 }];
    const { code, stdout } = await bundle.run(['cat', '/proc/self/limits'], processWith({ rlimits }));
    expect([code, stdout]).toEqual([1, '/proc/self/limits: Too many open files\n']);
  });

  it('that the kernel refuses are told by their path', async () => {
    const beyond = 1 << 30; // more open files than any kernel allows: fs.nr_open
    const rlimits = [{ type: 'RLIMIT_NOFILE', soft: 1, hard: beyond + 1 }];
    expect(await bundle.refusal(processWith({ rlimits }))).toMatch(/process\.rlimits\[0\].*EPERM/);
  });
});

describe('scheduling', () => {
  const statField = async (field: number, change: Change) => {
    const text = await bundle.output(['cat', '/proc/self/stat'], change);
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3];
  };

  it.each([
    [{ policy: 'SCHED_BATCH', nice: 7 }, '3', '7'],
    [{ policy: 'SCHED_IDLE' }, '5', '0'],
    [{ policy: 'SCHED_OTHER', nice: -3 }, '0', '-3'],
  ])('%j', async (scheduler, policy, nice) => {
    expect(await statField(41, processWith({ scheduler }))).toBe(policy);
    expect(await statField(19, processWith({ scheduler }))).toBe(nice);
  });

  it('in real time is refused by its path where the cgroup has no share of it', async () => {
    const scheduler = { policy: 'SCHED_FIFO', priority: 5, flags: ['SCHED_FLAG_RESET_ON_FORK'] };
    const { code, stdout, stderr } = await bundle.run(['cat', '/proc/self/stat'], processWith({ scheduler }));
    if (code === 0) expect(stdout.slice(stdout.lastIndexOf(')') + 2).split(' ')[41 - 3]).toBe('1');
    else expect(stderr).toMatch(/process\.scheduler.*(EPERM|EINVAL)/);
  });

  it('of input and output', async () => {
    const IOPRIO_GET = process.arch === 'x64' ? '252' : '31';
    const asked = (ioPriority: object) => bundle.output(['call', IOPRIO_GET, '1', '0'], processWith({ ioPriority }));
    expect(await asked({ class: 'IOPRIO_CLASS_BE', priority: 6 })).toBe(`${IOPRIO_GET}: ${(2 << 13) | 6}`);
    expect(await asked({ class: 'IOPRIO_CLASS_IDLE' })).toBe(`${IOPRIO_GET}: ${3 << 13}`);
    expect(await asked({ class: 'IOPRIO_CLASS_RT', priority: 2 })).toBe(`${IOPRIO_GET}: ${(1 << 13) | 2}`);
  });

  it('takes memory where it is told to', async () => {
    const maps = (memoryPolicy: object) =>
      bundle.run(['cat', '/proc/self/numa_maps'], ({ linux }) => Object.assign(linux, { memoryPolicy }));
    if (!existsSync('/proc/self/numa_maps')) {
      expect((await maps({ mode: 'MPOL_BIND', nodes: '0' })).stderr).toMatch(/linux\.memoryPolicy.*ENOSYS/);
      return;
    }
    expect((await maps({ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] })).stdout).toMatch(
      / bind=static:0 /,
    );
    expect((await maps({ mode: 'MPOL_INTERLEAVE', nodes: '0' })).stdout).toMatch(/ interleave:0 /);
    expect((await maps({ mode: 'MPOL_BIND', nodes: '1000' })).stderr).toMatch(/linux\.memoryPolicy.*EINVAL/);
  });

  it('runs in the execution domain', async () => {
    const persona = (personality: object) =>
      bundle.output(['cat', '/proc/self/personality'], ({ linux }) => Object.assign(linux, { personality }));
    expect(await persona({ domain: 'LINUX32' })).toBe('00000008');
    await expect(persona({ domain: 'LINUX', flags: ['ADDR_NO_RANDOMIZE'] })).rejects.toThrow('linux.personality.flags');
  });
});

describe('the out-of-memory killer', () => {
  it('has this score for the program, and the old one for others', async () => {
    const before = readFileSync('/proc/self/oom_score_adj', 'utf8');
    const score = Math.min(1000, Number(before) + 250);
    expect(await bundle.output(['cat', '/proc/self/oom_score_adj'], processWith({ oomScoreAdj: score }))).toBe(
      `${score}`,
    );
    await bundle.running(processWith({ oomScoreAdj: score }), async ({ pid }) => {
      expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()).toBe(`${score}`);
    });
    expect(readFileSync('/proc/self/oom_score_adj', 'utf8')).toBe(before);
  });

  it('that spares more than the runtime itself needs CAP_SYS_RESOURCE, and is refused by its path', async () => {
    const { code, stdout, stderr } = await bundle.run(
      ['cat', '/proc/self/oom_score_adj'],
      processWith({ oomScoreAdj: -999 }),
    );
    if (hostAbilities.capabilities() & capabilityMask(['CAP_SYS_RESOURCE']))
      expect([code, stdout]).toEqual([0, '-999\n']);
    else expect(stderr).toMatch(/process\.oomScoreAdj.*EACCES/);
  });
});

describe('the working directory', () => {
  const cwd = (path: string, more: object = {}) => bundle.run(['cwd'], processWith({ cwd: path, ...more }));
  const rootfs = () => join(bundle.dir, 'rootfs');

  it('is made where it is missing, for everybody to enter', async () => {
    try {
      expect((await cwd('/made/for/this', { user: { uid: 1000, gid: 1000, umask: 0o77 } })).stdout).toBe(
        '/made/for/this\n',
      );
      const { stdout } = await bundle.run(['stat', '/made', '/made/for/this']);
      expect(stdout).toBe('/made: 40755 0:0 0:0\n/made/for/this: 40755 0:0 0:0\n');
    } finally {
      rmSync(join(rootfs(), 'made'), { recursive: true, force: true });
    }
  });

  it('may be reached by links of the image, which stay in it', async () => {
    mkdirSync(join(rootfs(), 'real'));
    symlinkSync('/real', join(rootfs(), 'link'));
    symlinkSync('/../../../../../../tmp', join(rootfs(), 'out'));
    try {
      expect((await cwd('/link')).stdout).toBe('/real\n');
      expect((await cwd('/out')).stdout).toBe('/tmp\n');
      expect((await cwd('/link/../made-by-dots')).stdout).toBe('/made-by-dots\n');
    } finally {
      for (const name of ['real', 'link', 'out', 'made-by-dots']) {
        rmSync(join(rootfs(), name), { recursive: true, force: true });
      }
    }
  });

  it.each(['/proc/self/fd/3', '/proc/self/fd/7/../../..', '/proc/1/root', '/proc/self/cwd'])(
    'is never %s (CVE-2024-21626)',
    async (path) => {
      expect(await bundle.refusal(processWith({ cwd: path }))).toMatch(/process\.cwd.*(ELOOP|ENOENT)/);
    },
  );

  it('in a read-only root must be there', async () => {
    const readonly: Change = ({ root, process }) => {
      root.readonly = true;
      process.cwd = '/missing';
    };
    expect(await bundle.refusal(readonly)).toMatch(/process\.cwd/);
  });
});

describe('keys', () => {
  /** keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0). */
  const KEYCTL = process.arch === 'x64' ? '250' : '219';
  const session = async (more: string[] = []) => {
    bundle.write(['call', KEYCTL, '0', '-3', '0']);
    return (await bundle.call(['run', ...more, '--bundle', bundle.dir, `vlab-keys-${process.pid}`])).stdout;
  };

  it('of the caller stay behind: each container has a session keyring of its own', async () => {
    const [one, two] = [await session(), await session()];
    expect(one).toMatch(new RegExp(`^${KEYCTL}: \\d+$`, 'm'));
    expect(one).not.toBe(two);
    const kept = await session(['--no-new-keyring']);
    expect(await session(['--no-new-keyring'])).toBe(kept);
  });
});

describe('what a kernel may lack', () => {
  it.each(['apparmorProfile', 'selinuxLabel'])(
    '%s is refused by its path, without the module or without the label',
    async (name) => {
      expect(await bundle.refusal(processWith({ [name]: 'vlab-has-no-such-label' }))).toContain(`process.${name}`);
    },
  );

  it('intelRdt is refused by its path, without resctrl or without the group', async () => {
    const change: Change = ({ linux }) => {
      linux.intelRdt = { closID: 'vlab-has-no-such-group' };
    };
    expect(await bundle.refusal(change)).toMatch(/linux\.intelRdt.*(not mounted|does not exist)/);
  });
});
