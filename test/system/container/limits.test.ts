// Limits that really limit: memory kills, pids stop forks, the processor is shared out. Needs root, and dist/ (npm test builds it).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type CgroupHierarchy, parseCgroupLayout, readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import { runProbe, startRun, withRootfs } from './vlab-run.js';

let rootfs: string;
withRootfs((own) => {
  rootfs = own;
});

const layout = readCgroupLayout();

/** Where a process sits in the hierarchy of a controller. */
function cgroupOf(pid: number, controller: string): CgroupHierarchy {
  const found = parseCgroupLayout({
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    selfCgroup: readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
    unifiedControllers: layout.unified
      ? readFileSync(join(layout.unified.mountPoint, 'cgroup.controllers'), 'utf8')
      : '',
  }).controllers[controller];
  if (!found) throw new Error(`no ${controller} controller here`);
  return found;
}

/** A file of a cgroup. `v1` and `v2`: its name in either version. */
function control(pid: number, controller: string, v1: string, v2: string): string {
  const { version, ownDirectory } = cgroupOf(pid, controller);
  return readFileSync(join(ownDirectory ?? '', version === 1 ? v1 : v2), 'utf8').trim();
}

async function whileRunning(flags: string[], words: string[], look: (pid: number) => Promise<void> | void) {
  const running = startRun(['--rootfs', rootfs, ...flags, '/probe', ...words]);
  await running.says('ready');
  try {
    await look(running.firstProcess());
  } finally {
    running.child.kill('SIGKILL');
    await running.finished;
  }
  expect((await runProbe(rootfs, [], ['true'])).code).toBe(0); // sweeps what the kill left
}

describe('memory', () => {
  it('beyond the limit kills the program, and only it', async () => {
    const { code, stdout } = await runProbe(rootfs, ['--memory', '16m'], ['touch', '64']);
    expect([code, stdout]).toEqual([137, '']);
    expect((await runProbe(rootfs, [], ['touch', '64'])).stdout).toBe('touched\n');
  });

  it('within the limit is given', async () => {
    expect((await runProbe(rootfs, ['--memory', '64m'], ['touch', '16'])).stdout).toBe('touched\n');
  });

  it('is set to what was asked for', () =>
    whileRunning(['--memory', '32m'], ['sleep', '30'], (pid) => {
      expect(control(pid, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe(String(32 << 20));
    }));
});

describe('pids', () => {
  it('beyond the limit cannot be made', async () => {
    const made = async (flags: string[]) => Number((await runProbe(rootfs, flags, ['fork', '40'])).stdout);
    expect(await made(['--pids-limit', '10'])).toBe(9); // the program itself is one
    expect(await made([])).toBe(40);
  });
});

describe('cpus', () => {
  it('beyond the limit are throttled', () =>
    whileRunning(['--cpus', '0.2'], ['burn', '30'], async (pid) => {
      const usedMs = () => {
        const v1 = cgroupOf(pid, 'cpu').version === 1;
        const text = v1
          ? readFileSync(join(cgroupOf(pid, 'cpuacct').ownDirectory ?? '', 'cpuacct.usage'), 'utf8')
          : (/usage_usec (\d+)/.exec(control(pid, 'cpu', '', 'cpu.stat'))?.[1] ?? '');
        return Number(text) / (v1 ? 1e6 : 1e3);
      };
      const [began, before] = [performance.now(), usedMs()];
      await sleep(1500);
      const share = (usedMs() - before) / (performance.now() - began);
      expect(share).toBeGreaterThan(0.02);
      expect(share).toBeLessThan(0.3);
      expect(Number(/nr_throttled (\d+)/.exec(control(pid, 'cpu', 'cpu.stat', 'cpu.stat'))?.[1])).toBeGreaterThan(3);
    }));
});

describe('the cgroup of a container', () => {
  it("is vlab's own, below no limit of the caller, and a root to those in it", async () => {
    await whileRunning([], ['sleep', '30'], (pid) => {
      for (const controller of ['memory', 'pids', 'cpu']) {
        expect(cgroupOf(pid, controller).ownPath).toMatch(/^\/vlab\/vlab-[0-9a-f]{12}$/);
      }
    });
    const { stdout } = await runProbe(rootfs, [], ['cat', '/proc/self/cgroup']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(':'));
    const limited = lines.filter(([, names]) => /memory|pids|cpu$|devices/.test(names ?? '') || layout.layout === 'v2');
    expect(limited.length).toBeGreaterThan(0);
    for (const [, name, path] of limited) expect([name, path]).toEqual([name, '/']);
  });

  it('a limit that is none is refused before anything is made, and 0 is no limit, as in docker', async () => {
    for (const flags of [
      ['--memory', 'much'],
      ['--cpus', '-1'],
      ['--cpus', 'x'],
      ['--pids-limit', 'x'],
    ]) {
      expect((await runProbe(rootfs, flags, ['true'])).code).toBe(125);
    }
    expect((await runProbe(rootfs, ['--cpus', '0', '--pids-limit', '0'], ['true'])).code).toBe(0);
  });
});
