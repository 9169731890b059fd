// Mounts with mapped ids, and mounts of containers with a user namespace, by root. Needs root, file systems that map
// ids, and dist/ (npm test builds it).
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OciConfig, OciMount } from '../../../src/container/config/schema.js';
import { runPlan } from '../../../src/container/run-plan.js';
import { configFor, mountAt, mountsOf, parseMountinfo, runConfig } from './run-config.js';
import { withRootfs } from './vlab-run.js';

const OCI = resolve(import.meta.dirname, '../../../bin/vlab-oci.cjs');

let rootfs: string;
withRootfs((own) => {
  rootfs = own;
});

let host: string;
beforeAll(() => {
  host = mkdtempSync(join(tmpdir(), 'vlab-host-'));
  mkdirSync(join(host, 'tree'));
  writeFileSync(join(host, 'tree/file'), 'of 1000\n');
  chownSync(join(host, 'tree/file'), 1000, 1001);
  // Nobody but root of the host reaches it by its path.
  mkdirSync(join(host, 'locked/in'), { recursive: true });
  writeFileSync(join(host, 'locked/in/file'), 'out of reach\n');
  chmodSync(join(host, 'locked'), 0o700);
});
afterAll(() => rmSync(host, { recursive: true }));

const map = (containerID: number, hostID: number, size = 1) => [{ containerID, hostID, size }];
const tree = (more: Partial<OciMount>): OciMount => ({
  destination: '/m',
  source: join(host, 'tree'),
  options: ['bind'],
  ...more,
});
const ownerOf = async (mount: OciMount, change?: (config: OciConfig) => void) => {
  const run = { rootfs, mounts: [mount], words: ['stat', '/m/file'], ...(change ? { change } : {}) };
  return (await runConfig(run)).stdout.split(' ')[2];
};

describe('a mount with ids mapped', () => {
  it('by its own mappings shows them, and the files are as they were', async () => {
    const mapped = tree({ options: ['bind', 'idmap'], uidMappings: map(1000, 7), gidMappings: map(1001, 8) });
    expect(await ownerOf(mapped)).toBe('7:8');
    expect(statSync(join(host, 'tree/file'))).toMatchObject({ uid: 1000, gid: 1001 });
    expect(mountAt(await mountsOf({ rootfs, mounts: [mapped] }), '/m').options).toContain('idmapped');
  });

  it('may do without the option, be recursive, and have several ranges', async () => {
    const uidMappings = [...map(0, 500, 10), ...map(1000, 7)];
    expect(await ownerOf(tree({ uidMappings, gidMappings: map(1001, 8) }))).toBe('7:8');
    expect(await ownerOf(tree({ options: ['rbind', 'ridmap', 'ro'], uidMappings, gidMappings: map(1001, 9) }))).toBe(
      '7:9',
    );
  });

  it('can be a new file system', async () => {
    const mapped = {
      destination: '/m',
      type: 'tmpfs',
      options: ['idmap'],
      uidMappings: map(0, 3, 5),
      gidMappings: map(0, 4),
    };
    const { stdout } = await runConfig({ rootfs, mounts: [mapped], words: ['stat', '/m'] });
    expect(stdout).toMatch(/ 3:4 /);
  });

  it('needs mappings, of users and of groups', () => {
    const broken = (more: Partial<OciMount>) => runConfig({ rootfs, mounts: [tree(more)], words: ['true'] });
    return Promise.all([
      expect(broken({ options: ['bind', 'idmap'] })).rejects.toThrow('mounts[6].options ask for mapped ids'),
      expect(broken({ uidMappings: map(0, 1) })).rejects.toThrow('mounts[6].gidMappings is needed'),
      expect(broken({ gidMappings: map(0, 1) })).rejects.toThrow('mounts[6].uidMappings is needed'),
      expect(broken({ uidMappings: map(0, 1), gidMappings: [...map(0, 1), ...map(0, 2)] })).rejects.toThrow(
        /^config.json: mounts\[6\]: could not write "0 1 1\\n0 2 1": .*EINVAL/,
      ),
    ]);
  });

  it('of a file system that maps none is told', async () => {
    const mapped = tree({
      source: '/proc',
      options: ['bind', 'idmap'],
      uidMappings: map(0, 1),
      gidMappings: map(0, 1),
    });
    await expect(ownerOf(mapped)).rejects.toThrow(
      /^config.json: mounts\[6\].options: could not make it what its options say: .*EINVAL/,
    );
  });
});

describe('one that is mapped for several', () => {
  it('is mapped by one process', () => {
    const mappings = { uidMappings: map(1000, 7), gidMappings: map(1001, 8) };
    const config = configFor({
      rootfs,
      words: ['true'],
      mounts: [tree(mappings), tree({ ...mappings, destination: '/n' })],
    });
    const { plan } = runPlan(config, { arch: 'x86_64', cgroups: [], kernelPaths: {}, rootless: undefined });
    expect(plan.steps.filter(({ call }) => call === 'clone3')).toHaveLength(2);
    expect(plan.steps.filter(({ call }) => call === 'fcntl')).toHaveLength(2);
  });
});

describe('in a user namespace', () => {
  const ranges = map(0, 100_000, 65_536);
  // Its root may not make it: the image is the host's root's.
  beforeAll(() => mkdirSync(join(rootfs, 'locked')));

  /** By vlab-oci, which writes the maps of ids. */
  function run(words: string[], mounts: OciMount[], without: readonly string[] = []): string {
    const bundle = mkdtempSync(join(tmpdir(), 'vlab-bundle-'));
    try {
      const config = configFor({ rootfs, words, mounts });
      config.linux.namespaces.push({ type: 'user' });
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => !without.includes(type));
      config.linux.uidMappings = ranges;
      config.linux.gidMappings = ranges;
      delete config.linux.cgroupsPath;
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
      const args = [OCI, '--root', join(bundle, 'state'), 'run', '--bundle', bundle, `vlab-ids-${process.pid}`];
      const { stdout, stderr } = spawnSync(process.execPath, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return stdout + stderr;
    } finally {
      rmSync(bundle, { recursive: true });
    }
  }
  const locked = (...options: string[]): OciMount => ({
    destination: '/locked',
    source: join(host, 'locked/in'),
    options: ['rbind', ...options],
  });

  it('a source is taken by who may reach it, and its root is nobody there', () => {
    expect(run(['cat', '/locked/file'], [locked('ro')])).toBe('out of reach\n');
    expect(run(['stat', '/locked/file'], [locked('ro')])).toMatch(/ 65534:65534 /);
    expect(run(['make', '/locked/new'], [locked('ro')])).toContain('Read-only file system');
  });

  it('idmap without mappings is by those of the container', () => {
    expect(run(['stat', '/locked/file'], [locked('idmap')])).toMatch(/ 0:0 /);
    expect(statSync(join(host, 'locked/in/file')).uid).toBe(0);
  });

  it('what a new one would need another namespace for is shown from the host', () => {
    const seen = parseMountinfo(run(['cat', '/proc/self/mountinfo'], [], ['network']));
    expect(mountAt(seen, '/sys')).toMatchObject({ type: 'sysfs', tags: [] });
    expect(mountAt(seen, '/sys').options).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']));
    // All that is mounted below it on the host comes along, as restricted.
    const below = seen.filter(({ path }) => path.startsWith('/sys/fs/cgroup/'));
    for (const mount of below) expect(mount.options, mount.path).toContain('ro');
    expect(mountAt(seen, '/dev/null')).toMatchObject({ type: 'devtmpfs', root: '/null' });
  });

  it('with all namespaces it has its own', () => {
    const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', options: ['ro'] };
    const seen = parseMountinfo(run(['cat', '/proc/self/mountinfo'], [cgroup]));
    expect(mountAt(seen, '/sys').type).toBe('sysfs');
    expect(seen.filter(({ type }) => /^cgroup/.test(type)).map(({ root }) => root)).toContain('/');
    expect(mountAt(seen, '/dev').superOptions).toContain('uid=100000');
  });
});
