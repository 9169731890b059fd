import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../../../src/cli/format/template.js';
import { type ContainerSurroundings, containerDocument } from '../../../../src/engine/inspect/container-document.js';
import { portBindings } from '../../../../src/engine/inspect/network-document.js';
import { definitionFor, stateFor } from '../record/record-fixture.js';

const id = 'ab'.repeat(32);
const surroundings: ContainerSurroundings = {
  status: 'running',
  files: { resolvConf: '/c/resolv.conf', hostname: '/c/hostname', hosts: '/c/hosts', log: '/c/log' },
  graphDriver: { name: 'overlay', data: { UpperDir: '/c/layer/upper' } },
  mountpointOf: (name) => `/volumes/${name}`,
  execIds: [],
};
const definition = definitionFor(id, 'web', {
  root: {
    kind: 'image',
    asked: 'busybox',
    id: `sha256:${'cd'.repeat(32)}`,
    manifestDigest: `sha256:${'ef'.repeat(32)}`,
  },
  entrypoint: ['/bin/sh'],
  command: ['-c', 'sleep 1'],
  args: ['/bin/sh', '-c', 'sleep 1'],
  labels: { z: '1', a: '2' },
  mounts: [
    {
      kind: 'bind',
      origin: 'volume',
      source: '/srv',
      destination: '/data',
      readonly: true,
      propagation: 'rprivate',
      recursive: true,
      readonlyRecursive: false,
      createSource: true,
    },
    {
      kind: 'volume',
      origin: 'image',
      name: 'ee'.repeat(32),
      anonymous: true,
      destination: '/var/lib',
      readonly: false,
      copyUp: true,
      driver: 'local',
      driverOptions: {},
      labels: {},
    },
    { kind: 'tmpfs', origin: 'tmpfs', destination: '/tmp', readonly: false, options: ['size=64m'] },
  ],
  network: {
    ...definitionFor(id, 'web').network,
    mode: 'networks',
    exposed: ['443/tcp', '80/tcp'],
    publish: [{ protocol: 'tcp', hostPort: 8080, containerPort: 80, count: 1 }],
  },
  resources: { memoryBytes: 1 << 26, nanoCpus: 1_500_000_000 },
});
const state = stateFor('renamed', {
  phase: 'running',
  process: { pid: 4711, startTime: 1, bootId: 'x' } as never,
  startedAt: '2026-01-02T03:04:06.000Z',
  exitCode: 3,
  ports: [{ protocol: 'tcp', hostPort: 8080, containerPort: 80, count: 1 }],
  attachments: [
    {
      network: 'bridge',
      aliases: [],
      driverOptions: {},
      lease: {
        id: 'aa'.repeat(32),
        networkId: 'bb'.repeat(32),
        device: 'eth0',
        addresses: ['172.17.0.2', 'fd00::2'],
        prefixLengths: [16, 64],
        gateways: ['172.17.0.1', 'fd00::1'],
        mac: '02:42:ac:11:00:02',
      },
    },
  ],
  updated: { restart: { name: 'always', maximumRetryCount: 0 } },
});
const running = containerDocument({ id, definition, state }, surroundings);
const ask = (template: string, document: unknown = running) => compileTemplate(template)(document);

describe("a container's document", () => {
  it.each([
    ['{{.Name}} {{.Path}} {{join .Args " "}} {{.Config.Image}}', '/renamed /bin/sh -c sleep 1 busybox'],
    ['{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}}', 'running true 4711 0'],
    ['{{.NetworkSettings.IPAddress}}/{{.NetworkSettings.Networks.bridge.IPPrefixLen}}', '172.17.0.2/16'],
    ['{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}} {{.Gateway}}{{end}}', 'fd00::2 172.17.0.1'],
    ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', '8080'],
    [
      '{{json .NetworkSettings.Ports}}',
      '{"443/tcp":null,"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}]}',
    ],
    ['{{json .HostConfig.Binds}} {{json .HostConfig.Tmpfs}}', '["/srv:/data:ro"] {"/tmp":"size=64m"}'],
    [
      '{{range .Mounts}}{{.Type}}:{{.Source}}:{{.RW}} {{end}}',
      `bind:/srv:false volume:/volumes/${'ee'.repeat(32)}:true `,
    ],
    ['{{json .Config.Volumes}} {{json .Config.Labels}}', '{"/var/lib":{}} {"a":"2","z":"1"}'],
    [
      '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.RestartPolicy.Name}}',
      '67108864 1500000000 always',
    ],
    [
      '{{.HostConfig.NetworkMode}} {{json .HostConfig.PortBindings}}',
      'none {"80/tcp":[{"HostIp":"","HostPort":"8080"}]}',
    ],
    ['{{.Config.Labels.nope}} {{.State.FinishedAt}}', '<no value> 0001-01-01T00:00:00Z'],
  ])('%s', (template, expected) => {
    expect(ask(template)).toBe(expected);
  });

  it('refuses what docker has not', () => {
    expect(() => ask('{{.State.Foo}}')).toThrow('map has no entry for key "Foo"');
    expect(() => ask('{{.State.Health.Status}}')).toThrow('map has no entry for key "Health"');
    expect(() => ask('{{.SizeRw}}')).toThrow('map has no entry');
  });

  it('has no process, address or port when it has ended', () => {
    const ended = containerDocument(
      { id, definition, state: { ...state, phase: 'exited', finishedAt: '2026-01-02T03:05:00Z' } },
      { ...surroundings, status: 'exited', size: { layerBytes: 5, rootBytes: 7 } },
    );
    expect(ended.State).toMatchObject({ Running: false, Pid: 0, ExitCode: 3, FinishedAt: '2026-01-02T03:05:00Z' });
    expect(ended.NetworkSettings).toMatchObject({ IPAddress: '', SandboxKey: '' });
    expect(Object.keys(ended.NetworkSettings.Ports)).toEqual([]);
    expect(ended).toMatchObject({ SizeRw: 5, SizeRootFs: 7 });
  });

  it('names each port of a range', () => {
    const range = portBindings([
      { protocol: 'udp', hostAddress: '127.0.0.1', hostPort: 7000, containerPort: 53, count: 2 },
    ]);
    expect({ ...range }).toEqual({
      '53/udp': [{ HostIp: '127.0.0.1', HostPort: '7000' }],
      '54/udp': [{ HostIp: '127.0.0.1', HostPort: '7001' }],
    });
  });
});
