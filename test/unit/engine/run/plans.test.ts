/** The plans of a container's start, of a further program in it, and of its end, line by line. No machine is looked at. */
import { describe, expect, it } from 'vitest';
import { usualCgroup } from '../../../../src/container/cgroup/planned-cgroup.js';
import { defaultConfig } from '../../../../src/container/config/default-config.js';
import { endPlan } from '../../../../src/engine/run/end-plan.js';
import { joinPlan } from '../../../../src/engine/run/join-plan.js';
import type { MonitoredOptions } from '../../../../src/engine/run/monitored-plan.js';
import { startPlan } from '../../../../src/engine/run/start-plan.js';
import type { Plan } from '../../../../src/sys/plan.js';
import { showPlan } from '../../../../src/sys/show.js';
import { REQUEST, SITUATIONS } from '../../container/situations.js';

const DIR = '/var/lib/vlab/containers/c0ffee';
const RUN_DIR = '/run/vlab/c/c0ffee';

const options = (more: Partial<MonitoredOptions> = {}): MonitoredOptions => ({
  ...{ keepPath: '/cache/vlab-keep', dir: DIR, logDir: `${DIR}/log`, runDir: RUN_DIR, stdin: 'closed' },
  log: { driver: 'file', maxBytes: 1000, maxFiles: 3 },
  ...{ terminal: false, endPlan: new Uint8Array([1, 2, 3]) },
  ...more,
});

const planned = (situation = SITUATIONS.v2, more: Partial<MonitoredOptions> = {}) => {
  const config = defaultConfig({ ...REQUEST, ...(more.terminal ? { terminal: true } : {}) });
  return startPlan(config, situation, usualCgroup(config, situation), options(more)).plan;
};

/** The steps' calls with what they are for. */
const told = (plan: Plan) => plan.steps.map(({ call, why }) => `${call}: ${why}`);
const placeOf = (plan: Plan, why: string) => {
  const at = plan.steps.findIndex((step) => step.why === why);
  expect(at, why).toBeGreaterThanOrEqual(0);
  return at;
};

describe('the plan of a start', () => {
  it('lets the monitor go before anybody is told that the program runs', () => {
    const plan = planned();
    const order = [
      'create its monitor',
      'it outlives who made it',
      'tell the caller its pid',
      'wait until its program runs',
      'write down whose end is to come',
      'whoever made this may go',
      'and so may the performer',
      'tell the caller that its program runs',
      'keep its output, and wait for its end',
    ];
    const places = order.map((why) => placeOf(plan, why));
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('makes pipes for a program without a terminal, and one of them for input only where it is wanted', () => {
    const pipes = (plan: Plan) => told(plan).filter((line) => /^pipe2: .*standard/.test(line)).length;
    expect(pipes(planned())).toBe(2);
    expect(pipes(planned(SITUATIONS.v2, { stdin: 'open' }))).toBe(3);
    expect(pipes(planned(SITUATIONS.v2, { stdin: 'open', terminal: true }))).toBe(0);
  });

  it('tells vlab-keep what it is to do', () => {
    const argv = (plan: Plan) => {
      const step = plan.steps[placeOf(plan, 'keep its output, and wait for its end')];
      const { offset = 0 } = (step?.args[1] ?? {}) as { offset?: number };
      const data = Buffer.from(plan.data);
      const words: string[] = [];
      for (let at = offset; data.readUInt32LE(at) !== 0; at += 8) {
        const from = data.readUInt32LE(at);
        words.push(data.toString('utf8', from, data.indexOf(0, from)));
      }
      return words;
    };
    expect(argv(planned())).toEqual(['vlab-keep', 'l', '1000', '3']);
    const terminal = planned(SITUATIONS.v2, { terminal: true, stdin: 'once', log: { driver: 'none', maxFiles: 1 } });
    expect(argv(terminal)).toEqual(['vlab-keep', 'to', '0', '0']);
  });

  it.each(Object.entries(SITUATIONS))('can be shown in the situation %s', (_, situation) => {
    const { rootless } = situation as { rootless?: { uid: number; gid: number } };
    const config = defaultConfig({ ...REQUEST, ...(rootless ? { rootless } : {}) });
    const { plan } = startPlan(config, situation, usualCgroup(config, situation), options());
    expect(showPlan(plan)).toContain('keep its output, and wait for its end');
  });
});

describe('the plan of a further program', () => {
  it('joins the container, and reaps what could not be run', () => {
    const config = defaultConfig(REQUEST);
    const cgroups = [{ version: 2 as const, path: '/sys/fs/cgroup/vlab/c0ffee', controllers: ['memory'] }];
    const plan = joinPlan(config, SITUATIONS.v2, { pid: 77, cgroups }, options());
    expect(placeOf(plan, 'join its namespaces')).toBeLessThan(placeOf(plan, 'wait until its program runs'));
    expect(placeOf(plan, 'leave nothing of it')).toBeGreaterThan(
      placeOf(plan, 'keep its output, and wait for its end'),
    );
  });
});

describe('the plan of an end', () => {
  const end = (more: Partial<Parameters<typeof endPlan>[1]> = {}) =>
    endPlan('x86_64', {
      ...{ dir: DIR, runDir: RUN_DIR, ownerRecord: '/run/vlab/owners/c0ffee.json' },
      cgroup: {
        directories: [{ version: 1, path: '/sys/fs/cgroup/memory/vlab/c0ffee', controllers: ['memory'] }],
        made: ['/sys/fs/cgroup/memory/vlab/c0ffee'],
      },
      ...{ finish: ['/usr/bin/node', 'vlab', 'finish', 'c0ffee'], finishEnv: ['PATH=/bin'] },
      ...more,
    });

  it('is this', () => {
    expect(showPlan(end())).toMatchInlineSnapshot(`
      " 0  waitid(P_PIDFD, 201, &siginfo, WEXITED, 0)                                    # reap it
       1  clock_gettime(CLOCK_REALTIME, &finished)                                      # when it had ended
       2  openat(AT_FDCWD, "/sys/fs/cgroup/memory/vlab/c0ffee/memory.oom_control", O_RDONLY|O_CLOEXEC) → fd
                                                                                        # was memory short? [whatever comes of it]
       3  read(fd, oom, 256)                                                            # the kernel says [whatever comes of it]
       4  write(207, &finished, 400)                                                    # write down how it ended [whatever comes of it]
       5  renameat2(AT_FDCWD, "/var/lib/vlab/containers/c0ffee/.exit.new", AT_FDCWD, "/var/lib/vlab/containers/c0ffee/exit", 0)
                                                                                        # and show it whole [whatever comes of it]
       6  unlinkat(AT_FDCWD, "/sys/fs/cgroup/memory/vlab/c0ffee", AT_REMOVEDIR)         # remove its cgroup [EBUSY, ENOTEMPTY are fine; then go to 10; whatever comes of it]
       7  unlinkat(AT_FDCWD, "/run/vlab/c/c0ffee/attach", 0)                            # nobody can attach any more [whatever comes of it]
       8  unlinkat(AT_FDCWD, "/run/vlab/c/c0ffee", AT_REMOVEDIR)                        # remove what lives while it runs [whatever comes of it]
       9  unlinkat(AT_FDCWD, "/run/vlab/owners/c0ffee.json", 0)                         # nothing is owned any more [whatever comes of it]
         ── not all could be removed:
      10  lseek(207, 0, 0)                                                              # the record from its beginning [whatever comes of it]
      11  read(207, the end, 144)                                                       # with whose end it is [whatever comes of it]
      12  sendto(200, the end, 584, MSG_NOSIGNAL, 0, 0)                                 # tell who started it [whatever comes of it]
      13  recvfrom(200, byte, 1, 0, 0, 0)                                               # does it do the rest? [above 0: go to 18; whatever comes of it]
      14  close_range(3, ~0, 0)                                                         # nothing of the run is left
      15  chdir("/")                                                                    # nor of the launcher
      16  rt_sigprocmask(SIG_SETMASK, {}, 0, 8)                                         # block no signal
      17  execve("/usr/bin/node", argv, envp)                                           # become the command that does the rest [whatever comes of it]
         ── somebody else does the rest:
      18  exit_group(0)                                                                 # it is over
      "
    `);
  });

  it('fails at no step: what comes after is done whatever happens, but for the reaping', () => {
    const strict = end().steps.filter(({ accept }) => accept[0] === 0n);
    expect(strict.map(({ call }) => call)).toEqual([
      'waitid',
      'clock_gettime',
      'close_range',
      'chdir',
      'rt_sigprocmask',
      'exit_group',
    ]);
  });

  it('of a further program becomes nothing, and leaves no record', () => {
    const plan = end({
      dir: `${RUN_DIR}/x1`,
      runDir: `${RUN_DIR}/x1`,
      cgroup: { directories: [], made: [] },
      finish: [],
    });
    expect(told(plan).filter((line) => line.startsWith('execve'))).toEqual([]);
    expect(told(plan)).toContain('unlinkat: nobody reads this one');
  });
});
