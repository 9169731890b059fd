/** Definitions as they are made of what was asked for, and facts, for the tests of this folder. */
import type { AskedContainer } from '../../../../src/engine/define/asked-container.js';
import { type DefineContext, type Defined, defineContainer } from '../../../../src/engine/define/define-container.js';
import type { SpecFacts } from '../../../../src/engine/spec/facts.js';
import type { ImageRunConfig } from '../../../../src/image/config.js';

export const ID = 'a'.repeat(64);
export const OTHER_ID = 'b'.repeat(64);

/** Nothing but a command. */
export function asked(more: Partial<AskedContainer> = {}): AskedContainer {
  return {
    system: false,
    command: ['sh'],
    env: [],
    groupAdd: [],
    tty: false,
    openStdin: false,
    stdinOnce: false,
    attach: { stdin: false, stdout: true, stderr: true },
    labels: {},
    annotations: {},
    mounts: [],
    volumesFrom: [],
    network: {
      mode: 'networks',
      attachments: [{ network: 'bridge', aliases: [], driverOptions: {} }],
      ...{ publish: [], publishAll: false, exposed: [] },
      ...{ dns: [], dnsSearch: [], dnsOptions: [], extraHosts: [] },
    },
    namespaces: { pid: 'private', ipc: 'private', uts: 'private', cgroup: 'private', user: 'host' },
    security: {
      ...{ privileged: false, capAdd: [], capDrop: [], options: [] },
      ...{ seccomp: { kind: 'default' }, maskPaths: true },
    },
    ...{ devices: [], deviceRules: [], sysctls: {}, ulimits: [] },
    shmSizeBytes: 64 * 1024 ** 2,
    ...{ readonlyRoot: false, init: false, autoRemove: false },
    log: { driver: 'json-file', maxFiles: 1, options: {} },
    resources: {},
    restart: { name: 'no', maximumRetryCount: 0 },
    ...more,
  };
}

export function contextFor(image: ImageRunConfig = {}, more: Partial<DefineContext> = {}): DefineContext {
  let fresh = 0;
  return {
    id: ID,
    name: 'web',
    createdAt: '2026-01-02T03:04:05.000Z',
    root: { kind: 'image', asked: 'busybox', id: 'sha256:1', manifestDigest: 'sha256:2' },
    image,
    container: () => ({
      id: OTHER_ID,
      hostname: 'other',
      mounts: [],
      namespaces: { pid: 'private', ipc: 'shareable', uts: 'private', cgroup: 'private', user: 'host' },
    }),
    freshId: () => String(++fresh).padStart(64, '0'),
    hostHostname: 'machine',
    cpuCount: 4,
    rootless: false,
    ...more,
  };
}

export function define(more: Partial<AskedContainer> = {}, image: ImageRunConfig = {}, context = {}): Defined {
  return defineContainer(asked(more), contextFor(image, context));
}

export function facts(more: Partial<SpecFacts> = {}): SpecFacts {
  return {
    arch: 'x86_64',
    cgroupVersion: 2,
    rootPath: '/r',
    nameFilesDirectory: '/c',
    user: { uid: 0, gid: 0, additionalGids: [0], home: '/root' },
    volumePaths: new Map(),
    joined: new Map([[OTHER_ID, { pid: 77, shmPath: '/shm/other' }]]),
    devices: [],
    blockDevices: new Map(),
    rootless: false,
    ...more,
  };
}
