// The cgroup of a container by the words of vlab-oci, from create to delete. Needs root, and dist/ (npm test builds it).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CgroupPlace, cgroupPlaces } from '../../../src/container/cgroup/places.js';
import type { OciResources } from '../../../src/container/config/schema.js';
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import { isRoot, needs } from '../../skips.js';
import { ownConfig } from './own-container.js';
import { ownRootfs, removeRootfs } from './vlab-run.js';

const OCI = resolve(import.meta.dirname, '../../../bin/vlab-oci.cjs');
const places: CgroupPlace[] = isRoot ? cgroupPlaces(readCgroupLayout(), true) : [];
let rootfs: string;
let folder: string;
let id: string;
let tests = 0;

beforeAll(async () => {
  rootfs = await ownRootfs();
  folder = mkdtempSync(join(tmpdir(), 'vlab-oci-'));
});
beforeEach((context) => {
  needs(context, 'root', isRoot);
  id = `vlab-ocicg-${process.pid}-${++tests}`;
});
afterAll(() => {
  removeRootfs(rootfs);
  rmSync(folder, { recursive: true });
});

function oci(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [OCI, '--root', join(folder, 'state'), ...words], {
    encoding: 'utf8',
    // A container keeps what it is given, and whoever reads it to its end would wait for it.
    stdio: ['ignore', words.includes('create') ? 'ignore' : 'pipe', words.includes('create') ? 'inherit' : 'pipe'],
  });
}

function done(...words: string[]): string {
  const { status, stdout, stderr } = oci(...words);
  expect([words.join(' '), status, stderr]).toEqual([words.join(' '), 0, stderr]);
  return stdout;
}

function bundle(cgroupsPath: string | null, resources: OciResources, words?: string[]): string {
  const path = join(folder, id);
  mkdirSync(path);
  const config = ownConfig({ rootfs, id, cgroupsPath, resources, ...(words ? { words } : {}) });
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  return path;
}

const there = (below: string) => places.map(({ root }) => join(root, below)).filter((path) => existsSync(path));

interface Stats {
  data: { pids: { current: number; limit: number }; memory: { usage: { limit: number } } };
}

/** The verbs that work on the cgroup. `global`: flags before the verb. */
function lifeOf(path: string, ...global: string[]): void {
  done(...global, 'create', '--bundle', path, id);
  try {
    done(...global, 'start', id);
    const stats = () => JSON.parse(done(...global, 'events', '--stats', id)) as Stats;
    expect(stats().data.pids).toEqual({ current: 1, limit: 20 });
    done(...global, 'update', '--pids-limit', '30', '--memory', '32m', id);
    expect(stats().data).toMatchObject({ pids: { current: 1, limit: 30 }, memory: { usage: { limit: 32 << 20 } } });
    done(...global, 'pause', id);
    expect(JSON.parse(done(...global, 'state', id))).toMatchObject({ status: 'paused' });
    done(...global, 'resume', id);
    expect(JSON.parse(done(...global, 'ps', '--format', 'json', id))).toHaveLength(1);
    done(...global, 'exec', id, '/probe', 'true');
    done(...global, 'kill', '--all', id, 'KILL');
  } finally {
    done(...global, 'delete', '--force', id);
  }
}

const LIMITS: OciResources = { pids: { limit: 20 }, memory: { limit: 64 << 20 } };

describe('vlab-oci', () => {
  it('keeps a container in its cgroup, and leaves nothing of it', () => {
    lifeOf(bundle(`/${id}/deep/${id}`, LIMITS));
    expect(there(id)).toEqual([]);
  });

  it('runs a further program in a cgroup below it that is named', () => {
    done('create', '--bundle', bundle(`/${id}`, {}), id);
    try {
      done('start', id);
      for (const { root } of places) mkdirSync(join(root, id, 'inner'));
      const seen = (...words: string[]) =>
        done('exec', ...words, id, '/probe', 'cat', '/proc/self/cgroup')
          .trim()
          .split('\n')
          .map((line) => line.split(':')[2]);
      expect(new Set(seen('--cgroup', 'inner'))).toEqual(new Set(['/inner']));
      expect(new Set(seen())).toEqual(new Set(['/']));
      const { status, stderr } = oci('exec', '--cgroup', 'no', id, '/probe', 'true');
      expect(status).not.toBe(0);
      expect(stderr).toContain('the container has no cgroup no');
    } finally {
      done('delete', '--force', id);
    }
    expect(there(id)).toEqual([]);
  });

  it('says by its path what this machine cannot do, and leaves nothing', () => {
    const { status, stderr } = oci('run', '--bundle', bundle(`/${id}`, { rdma: { a: { hcaHandles: 1 } } }), id);
    expect(status).not.toBe(0);
    expect(stderr).toContain('linux.resources.rdma.a needs the rdma controller');
    expect(there(id)).toEqual([]);
  });

  it("does the same in a scope of systemd's", (context) => {
    needs(context, 'systemd', existsSync('/run/systemd/system'));
    lifeOf(bundle(`machine.slice:vlab:${id}`, LIMITS), '--systemd-cgroup');
    expect(there(`machine.slice/vlab-${id}.scope`)).toEqual([]);
    const ran = oci('--systemd-cgroup', 'run', '--bundle', short(), `${id}-b`);
    expect([ran.status, ran.stderr]).toEqual([0, '']);
  });

  it("refuses systemd's driver where there is no systemd", (context) => {
    needs(context, 'no systemd', !existsSync('/run/systemd/system'));
    const { status, stderr } = oci('--systemd-cgroup', 'run', '--bundle', bundle(`::${id}`, {}), id);
    expect(status).not.toBe(0);
    expect(stderr).toContain('this machine does not run systemd');
  });
});

/** A bundle whose program ends at once. */
function short(): string {
  id = `${id}-b`;
  return bundle(`machine.slice:vlab:${id}`, LIMITS, ['true']);
}
