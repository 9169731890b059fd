// The merge of what was asked for with the image, by docker's rules.
import { describe, expect, it } from 'vitest';
import { mergeEnv } from '../../../../src/engine/define/define-container.js';
import { parseDefinition } from '../../../../src/engine/define/definition.js';
import { define, OTHER_ID } from '../spec/definitions.js';

const IMAGE = { Entrypoint: ['/entry'], Cmd: ['serve', '-v'] };

describe('the program', () => {
  it.each([
    ['of the image', { command: [] }, ['/entry', 'serve', '-v']],
    ["with a command in place of the image's", { command: ['other'] }, ['/entry', 'other']],
    ["of an entrypoint alone: the image's command is not its own", { entrypoint: ['/own'], command: [] }, ['/own']],
    ['of an entrypoint and words', { entrypoint: ['/own'], command: ['a', 'b'] }, ['/own', 'a', 'b']],
    ['without an entrypoint', { entrypoint: [], command: ['sh'] }, ['sh']],
  ])('%s', (_, asked, args) => {
    expect(define(asked, IMAGE).definition.args).toEqual(args);
  });

  it.each([
    [{ command: [] }, {}],
    [{ entrypoint: [], command: [] }, IMAGE],
  ])('that is none is refused', (asked, image) => {
    expect(() => define(asked, image)).toThrow('no command specified');
  });
});

it('of a variable what was asked for counts, and a name alone takes it away', () => {
  expect(mergeEnv(['A=1', 'B=2', 'A=3', 'GONE'], ['PATH=/bin', 'A=0', 'GONE=x'])).toEqual(['A=3', 'B=2', 'PATH=/bin']);
});

it("takes the image's user, directory, labels, signal and ports where nothing else is asked for", () => {
  const image = {
    ...{ User: 'www', WorkingDir: '/srv/', Labels: { a: '1', b: '1' }, StopSignal: 'SIGQUIT', StopTimeout: 3 },
    ExposedPorts: { '80/tcp': {}, '53': {} },
  };
  const plain = define({ labels: { b: '2' } }, image).definition;
  expect(plain).toMatchObject({ user: 'www', cwd: '/srv', labels: { a: '1', b: '2' }, stopSignal: 'SIGQUIT' });
  expect([plain.stopTimeoutS, plain.network.exposed]).toEqual([3, ['53/tcp', '80/tcp']]);
  const own = define({ user: '0', cwd: '/w/../x', stopSignal: 'SIGINT', stopTimeoutS: 9 }, image).definition;
  expect(own).toMatchObject({ user: '0', cwd: '/x', stopSignal: 'SIGINT', stopTimeoutS: 9 });
  expect(() => define({ cwd: 'rel' })).toThrow(
    "the working directory 'rel' is invalid, it needs to be an absolute path",
  );
});

describe('a health check', () => {
  const Healthcheck = { Test: ['CMD', 'probe'], Interval: 5e9, Retries: 7 };

  it('is the image’s with what was asked for in its place, and defaults', () => {
    expect(define({ healthCheck: { timeoutMs: 100 } }, { Healthcheck }).definition.healthCheck).toEqual({
      test: ['CMD', 'probe'],
      ...{ intervalMs: 5000, timeoutMs: 100, startPeriodMs: 0, startIntervalMs: 5000, retries: 7 },
    });
  });

  it.each([
    ['by --no-healthcheck', 'none' as const, { Healthcheck }],
    ['where the image has NONE', undefined, { Healthcheck: { Test: ['NONE'] } }],
    ['where nobody asks for one', { intervalMs: 3 }, {}],
  ])('is not there %s', (_, healthCheck, image) => {
    expect(define({ ...(healthCheck && { healthCheck }) }, image).definition.healthCheck).toBeUndefined();
  });
});

describe('volumes', () => {
  const Volumes = { '/var/lib/data': {}, '/b': {} };
  const bind = (destination: string) => ({
    ...{ kind: 'bind' as const, origin: 'volume' as const, source: '/host', destination, readonly: false },
    ...{ propagation: 'rprivate' as const, recursive: true, readonlyRecursive: true, createSource: true },
  });

  it('of the image are anonymous ones, but where something else is mounted', () => {
    const { mounts } = define({ mounts: [bind('/b')] }, { Volumes }).definition;
    expect(mounts.map(({ destination, origin, kind }) => [destination, origin, kind])).toEqual([
      ['/b', 'volume', 'bind'],
      ['/var/lib/data', 'image', 'volume'],
    ]);
  });

  it('of another container come with its mounts, read-only on request', () => {
    const container = () => ({ id: OTHER_ID, hostname: 'o', mounts: [bind('/x')], namespaces: {} });
    const { mounts } = define({ volumesFrom: [{ container: 'o', readonly: true }] }, {}, { container }).definition;
    expect(mounts).toMatchObject([{ destination: '/x', readonly: true, origin: 'other' }]);
  });

  it('are not mounted twice at one place', () => {
    expect(() => define({ mounts: [bind('/b'), bind('/b')] })).toThrow('Duplicate mount point: /b');
  });
});

describe('names and networks', () => {
  const network = (mode: string, more = {}) => ({
    network: { ...define().definition.network, attachments: [], ...more, mode },
  });

  it('is called by its id, as it was asked, or as the machine', () => {
    expect(define().definition.hostname).toBe('a'.repeat(12));
    expect(define({ hostname: 'h' }).definition.hostname).toBe('h');
    expect(define(network('host')).definition.hostname).toBe('machine');
  });

  it('joins another container by its full id, and has its name', () => {
    const { definition } = define(network('container:web'));
    expect([definition.network.mode, definition.hostname]).toEqual([`container:${OTHER_ID}`, 'other']);
  });

  it.each([
    ['hostname and the network mode', { ...network('container:x'), hostname: 'h' }],
    ['dns and the network mode', network('container:x', { dns: ['1.1.1.1'] })],
    ['port publishing and the container type network mode', network('container:x', { publishAll: true })],
    ['port exposing and the container type network mode', network('container:x', { exposed: ['1/tcp'] })],
    ['hostname and the UTS mode', { hostname: 'h', namespaces: { ...define().definition.namespaces, uts: 'host' } }],
  ] as [string, object][])('refuses %s', (what, asked) => {
    expect(() => define(asked)).toThrow(`conflicting options: ${what}`);
  });

  it('tells that ports are not published on the host’s network', () => {
    const port = { protocol: 'tcp' as const, hostPort: 1, containerPort: 1, count: 1 };
    const { definition, warnings } = define(network('host', { publish: [port] }));
    expect([definition.network.publish, warnings]).toEqual([
      [],
      ['Published ports are discarded when using host network mode'],
    ]);
  });
});

it.each([
  [{ memoryBytes: 1000 }, 'Minimum memory limit allowed is 6MB'],
  [{ memorySwapBytes: 1e8 }, 'You should always set the Memory limit when using Memoryswap limit'],
  [{ memoryBytes: 1e8, memorySwapBytes: 1e7 }, 'Minimum memoryswap limit should be larger than memory limit'],
  [{ memoryBytes: 1e8, memoryReservationBytes: 2e8 }, 'Minimum memory limit can not be less than memory reservation'],
  [{ nanoCpus: 9e9 }, 'Range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available'],
  [{ nanoCpus: 1e9, cpuQuotaUs: 5000 }, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
  [{ cpuPeriodUs: 10 }, 'CPU cfs period can not be less than 1ms'],
  [{ cpuQuotaUs: 10 }, 'CPU cfs quota can not be less than 1ms'],
  [{ blkioWeight: 5 }, 'Range of blkio weight is from 10 to 1000'],
])('%j is refused', (resources, message) => {
  expect(() => define({ resources })).toThrow(message);
});

it('has as much swap as memory, where nothing else is asked for', () => {
  expect(define({ resources: { memoryBytes: 1e8 } }).definition.resources.memorySwapBytes).toBe(2e8);
  expect(define({ resources: { memoryBytes: 1e8, memorySwapBytes: -1 } }).definition.resources.memorySwapBytes).toBe(
    -1,
  );
});

it('refuses --rm with a restart policy', () => {
  const restart = { name: 'always' as const, maximumRetryCount: 0 };
  expect(() => define({ autoRemove: true, restart })).toThrow('cannot specify both --restart and --rm');
});

describe('a stored definition', () => {
  it('is read back as it was', () => {
    const { definition } = define();
    expect(parseDefinition(JSON.stringify(definition), 'd')).toEqual(definition);
  });

  it.each([
    ['{', 'd is no JSON'],
    ['{"version":2}', 'd was written by a newer vlab'],
    ['{"version":1}', 'd: id'],
  ])('%s is told', (text, message) => {
    expect(() => parseDefinition(text, 'd')).toThrow(message);
  });
});
