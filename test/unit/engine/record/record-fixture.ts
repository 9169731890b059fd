/** A container's definition and state, as plain as they can be. */

import type { ContainerDefinition } from '../../../../src/engine/define/definition.js';
import type { ContainerState } from '../../../../src/engine/record/container-state.js';

export function definitionFor(id: string, name: string, more: Partial<ContainerDefinition> = {}): ContainerDefinition {
  return {
    version: 1,
    id,
    name,
    createdAt: '2026-01-02T03:04:05.000Z',
    root: { kind: 'directory', path: '/srv/root' },
    system: false,
    args: ['sleep', '60'],
    env: ['PATH=/bin'],
    user: '',
    groupAdd: [],
    cwd: '/',
    hostname: id.slice(0, 12),
    tty: false,
    openStdin: false,
    stdinOnce: false,
    attach: { stdin: false, stdout: true, stderr: true },
    labels: {},
    annotations: {},
    stopSignal: 'SIGTERM',
    mounts: [],
    network: {
      mode: 'none',
      attachments: [],
      publish: [],
      publishAll: false,
      exposed: [],
      dns: [],
      dnsSearch: [],
      dnsOptions: [],
      extraHosts: [],
    },
    namespaces: { pid: 'private', ipc: 'private', uts: 'private', cgroup: 'private', user: 'host' },
    security: {
      privileged: false,
      capAdd: [],
      capDrop: [],
      noNewPrivileges: false,
      seccomp: { kind: 'default' },
      maskPaths: true,
      options: [],
    },
    devices: [],
    deviceRules: [],
    sysctls: {},
    ulimits: [],
    shmSizeBytes: 64 << 20,
    readonlyRoot: false,
    init: false,
    log: { driver: 'json-file', maxFiles: 1, options: {} },
    autoRemove: false,
    resources: {},
    restart: { name: 'no', maximumRetryCount: 0 },
    ...more,
  };
}

export function stateFor(name: string, more: Partial<ContainerState> = {}): ContainerState {
  return {
    name,
    phase: 'created',
    exitCode: 0,
    oomKilled: false,
    restartCount: 0,
    stopAsked: false,
    attachments: [],
    updated: {},
    ...more,
  };
}
