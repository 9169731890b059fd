// Mounts with mapped ids, and mounts of containers with a user namespace, by root. Needs root and file systems that map ids.
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OciConfig, OciMount } from '../../../src/container/config/schema.js';
import { runPlan } from '../../../src/container/run-plan.js';
import { configFor, mountAt, mountsOf, runConfig } from './run-config.js';
import { withRootfs } from './vlab-run.js';

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
