// Checkpoint and restore of what leads out of a container: its standard descriptors, its terminal, networks and memory of
// others; and what is told when it cannot be.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { capabilityMask } from '../../../src/container/config/capabilities.js';
import { hostAbilities } from '../../../src/container/host-abilities.js';
import { type Criu, findCriu, hasFeature } from '../../../src/oci/checkpoint/find-criu.js';
import { needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { type BundleOptions, isUnbroken, type Place, textOf, withPlace } from './checkpoint-container.js';

let criu: Criu | undefined;
let place: Place;
let images: string;

withPlace((own) => {
  ({ place, images, criu } = own);
});

const checkpoint = (id: string, ...flags: string[]) => place.must('checkpoint', '--image-path', images, ...flags, id);
const RESTORE = () => ['restore', '--image-path', images];

async function goesOn(file: string): Promise<void> {
  await place.countsOn(file);
  expect(isUnbroken(place.counted(file))).toBe(true);
}

/** All that a stream has said so far. */
function heard(stream: Readable | null): { text: string } {
  const words = { text: '' };
  stream?.on('data', (chunk: Buffer) => {
    words.text += chunk.toString();
  });
  return words;
}

describe('standard output', () => {
  const bundleOf = (more: Partial<BundleOptions> = {}) => place.bundle({ program: ['say', '/shared/c'], ...more });

  it('is a pipe that the restored program gets anew', async () => {
    const bundle = bundleOf();
    const [first, second] = [join(place.shared, 'first'), join(place.shared, 'second')];
    const words = [...place.command, '--root', place.state].map((word) => `'${word}'`).join(' ');
    const shell = (line: string) => execFileSync('sh', ['-c', line], { cwd: place.dir, stdio: 'ignore' });
    shell(`(${words} run --detach --bundle ${bundle} c 2>/dev/null </dev/null; true) | cat > ${first} &`);
    await until(() => /said 3\n/.test(textOf(first)), 'it says something');
    checkpoint('c');
    expect(readFileSync(join(images, 'descriptors.json'), 'utf8')).toMatch(/^\["\/dev\/null","pipe:\[\d+\]",/);
    const said = textOf(first).trimEnd().split('\n');
    shell(
      `(${words} restore --detach --image-path ${images} --bundle ${bundle} c 2>/dev/null </dev/null; true) | cat > ${second} &`,
    );
    await goesOn('c');
    await until(() => textOf(second).split('\n').length > 3, 'it says more');
    expect(textOf(second)).toMatch(new RegExp(`^said ${said.length + 1}\n`));
  });

  it.each([
    ["the host's", [{ type: 'pid' }, { type: 'ipc' }, { type: 'mount' }]],
    ['its own', undefined],
  ])('cannot be a socket, where its network is %s', async (_, namespaces) => {
    const bundle = bundleOf(namespaces ? { namespaces } : {});
    const first = place.spawn(['run', '--detach', '--bundle', bundle, 'c'], 'pipe');
    const before = heard(first.stdout);
    await until(() => before.text.includes('said 3\n'), 'it says something');
    const { code, stderr } = place.call(['checkpoint', '--image-path', images, 'c']);
    expect(code).toBe(1);
    expect(stderr).toContain('not sockets');
    await goesOn('c');
  });

  it('is a log that has grown meanwhile', async () => {
    const bundle = bundleOf();
    const log = join(place.dir, 'out');
    expect(place.call(['run', '--detach', '--bundle', bundle, 'c']).code).toBe(0);
    await place.countsOn('c');
    checkpoint('c');
    writeFileSync(log, 'between\n', { flag: 'a' });
    place.must(...RESTORE(), '--detach', '--bundle', bundle, 'c');
    await goesOn('c');
    expect(textOf(log)).toMatch(/said (\d+)\nbetween\nsaid \d+\n/);
  });
});

describe('in the foreground', () => {
  it('a restore waits, passes signals on, and ends as the program does', async () => {
    const bundle = place.bundle({ program: ['count', '/shared/c'] });
    place.must('run', '--detach', '--bundle', bundle, 'c');
    await place.countsOn('c');
    checkpoint('c');
    const waiting = place.spawn([...RESTORE(), '--bundle', bundle, 'c']);
    await goesOn('c');
    expect(waiting.exitCode).toBeNull();
    expect(place.stateOf('c').status).toBe('running');
    place.must('kill', 'c', 'KILL');
    await once(waiting, 'exit');
    expect(waiting.exitCode).toBe(128 + 9);
    expect(place.ids()).toEqual([]);
  });
});

describe('a terminal', () => {
  const bundleOf = () => place.bundle({ program: ['terminal'], terminal: true });
  /** Who takes the terminal of a command, and talks to the program by it. */
  async function console(words: readonly string[]) {
    const socket = join(place.dir, `console${Math.random().toString(36).slice(2, 8)}`);
    const holder = spawn(place.fixture('console'), [socket], { stdio: ['pipe', 'pipe', 'inherit'] });
    const words_ = heard(holder.stdout);
    await until(() => existsSync(socket), 'it listens');
    const said = place.call([...words.slice(0, 1), '--console-socket', socket, ...words.slice(1)]);
    if (said.code !== 0) holder.kill('SIGKILL');
    expect(said).toMatchObject({ code: 0, stderr: '' });
    await until(() => words_.text.startsWith('taken\n'), 'the terminal comes');
    const ask = async (line: string) => {
      holder.stdin.write(`${line}\n`);
      await until(() => words_.text.includes(`got ${line}`), `it answers ${line}: ${JSON.stringify(words_.text)}`);
    };
    return { ask, holder };
  }

  it('is given to the console socket of the restore', async () => {
    const bundle = bundleOf();
    const first = await console(['run', '--detach', '--bundle', bundle, 'c']);
    await first.ask('one');
    checkpoint('c');
    await once(first.holder, 'exit');
    const second = await console([...RESTORE(), '--detach', '--bundle', bundle, 'c']);
    await second.ask('two');
    place.must('kill', 'c', 'KILL');
    await once(second.holder, 'exit');
  });

  it.for([
    ['of its own', true],
    ["of the caller's shell", false],
  ] as const)("%s is the caller's again, in the foreground", async ([, terminal], context) => {
    needs(context, 'script', spawnSync('script', ['--version']).status === 0);
    const bundle = place.bundle({ program: ['terminal'], terminal });
    const words = (verb: string) => [...place.command, '--root', place.state, ...verb.split(' ')];
    const inTerminal = (verb: string) => {
      const line = words(verb)
        .map((word) => `'${word}'`)
        .join(' ');
      const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: place.dir, stdio: 'pipe' });
      return { child, words: heard(child.stdout) };
    };
    const first = inTerminal(`run --bundle ${bundle} c`);
    await until(() => first.words.text.includes('ready'), 'it is ready');
    first.child.stdin.write('one\n');
    await until(() => first.words.text.includes('got one'), 'it answers');
    checkpoint('c', '--shell-job');
    await once(first.child, 'exit');
    expect(first.words.text).not.toContain('does not exist');
    const second = inTerminal(`restore --shell-job --image-path ${images} --bundle ${bundle} c`);
    await until(() => place.ids().length > 0 && place.stateOf('c').status === 'running', 'it is back');
    second.child.stdin.write('two\n');
    await until(() => second.words.text.includes('got two'), `it answers again: ${second.words.text}`);
    place.must('kill', 'c', 'KILL');
    await once(second.child, 'exit');
    expect(second.child.exitCode).toBe(128 + 9);
  });

  it('is refused without one', async () => {
    const bundle = bundleOf();
    const { code, stderr } = place.call([...RESTORE(), '--detach', '--bundle', bundle, 'c']);
    expect(code).toBe(1);
    expect(stderr).toContain('console socket');
  });
});

describe('the network of others', () => {
  it('is joined by its path again, and is in no image', async () => {
    const name = `vlab-cr-${process.pid}`;
    execFileSync('ip', ['netns', 'add', name]);
    try {
      execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
      const path = `/run/netns/${name}`;
      const namespaces = [{ type: 'pid' }, { type: 'mount' }, { type: 'ipc' }, { type: 'network', path }];
      const bundle = place.bundle({ program: ['tcp', '/shared/c'], namespaces });
      place.must('run', '--detach', '--bundle', bundle, 'c');
      await place.countsOn('c');
      checkpoint('c', '--tcp-established');
      expect(readdirSync(images).filter((one) => one.startsWith('netdev-'))).toEqual([]);
      place.must(...RESTORE(), '--detach', '--tcp-established', '--bundle', bundle, 'c');
      await goesOn('c');
      const inode = (of: string) => execFileSync('stat', ['-Lc', '%i', of], { encoding: 'utf8' });
      expect(inode(`/proc/${place.stateOf('c').pid}/ns/net`)).toBe(inode(path));
    } finally {
      for (const id of place.ids()) place.call(['delete', '--force', id]);
      execFileSync('ip', ['netns', 'del', name]);
    }
  });

  it('is told when its devices are lost', async () => {
    const bundle = place.bundle({ program: ['count', '/shared/c'] });
    place.must('run', '--detach', '--bundle', bundle, 'c');
    await place.countsOn('c');
    const { pid } = place.stateOf('c');
    execFileSync('nsenter', ['-t', String(pid), '-n', 'ip', 'link', 'add', 'vlabt0', 'type', 'veth', 'peer', 'vlabt1']);
    const { code, stderr } = place.call(['checkpoint', '--image-path', images, 'c']);
    expect(code).toBe(0);
    expect(stderr).toContain('without the network devices vlabt1, vlabt0');
  });
});

describe('changed memory only', () => {
  const made = async () => {
    const bundle = place.bundle({ program: ['count', '/shared/c'] });
    place.must('run', '--detach', '--bundle', bundle, 'c');
    await place.countsOn('c');
    return bundle;
  };

  it('is dumped on top of what was dumped before', async (context) => {
    needs(context, 'memory tracking', criu !== undefined && (await hasFeature(criu, 'mem_dirty_track')));
    const bundle = await made();
    const [first, last] = [join(images, 'first'), join(images, 'last')];
    place.must('checkpoint', '--pre-dump', '--image-path', first, 'c');
    expect(place.stateOf('c').status).toBe('running');
    await place.countsOn('c');
    place.must('checkpoint', '--image-path', last, '--parent-path', '../first', 'c');
    place.must('restore', '--detach', '--image-path', last, '--bundle', bundle, 'c');
    await goesOn('c');
  });

  it.each(['--pre-dump', '--parent-path=../images'])('is refused where the kernel does not tell: %s', async (flag) => {
    await made();
    const { code, stderr } = place.call(['checkpoint', '--image-path', images, flag, 'c']);
    const tracks = criu !== undefined && (await hasFeature(criu, 'mem_dirty_track'));
    expect(stderr.includes('CONFIG_MEM_SOFT_DIRTY')).toBe(!tracks);
    expect(code).toBe(tracks ? 0 : 1);
  });
});

describe('memory on demand', () => {
  const able = (capabilities: bigint) => (capabilities & capabilityMask(['CAP_SYS_RESOURCE'])) !== 0n;

  it('is served by the dump while the restored program runs', async (context) => {
    needs(context, 'resource capability', able(hostAbilities.capabilities()));
    const bundle = place.bundle({ program: ['count', '/shared/c'], cgroupsPath: '/vlab-lazy/c' });
    place.must('run', '--detach', '--bundle', bundle, 'c');
    await place.countsOn('c');
    const port = 20_000 + (process.pid % 10_000);
    const server = ['--page-server', `127.0.0.1:${port}`];
    const line = [
      ...place.command,
      '--root',
      place.state,
      'checkpoint',
      '--image-path',
      images,
      '--lazy-pages',
      ...server,
    ];
    const dump = spawn('sh', ['-c', `${line.join(' ')} --status-fd 3 c 3>${place.dir}/ready`], { stdio: 'ignore' });
    await until(() => textOf(join(place.dir, 'ready')) === '\0', 'pages can be fetched', 10_000);
    const [program = '', ...before] = criu?.argv ?? [];
    const where = ['-D', images, '-W', images, '--page-server', '--address', '127.0.0.1', '--port', String(port)];
    const pages = spawn(program, [...before, 'lazy-pages', ...where], { stdio: 'ignore' });
    await until(() => existsSync(join(images, 'lazy-pages.socket')), 'pages are asked for', 10_000);
    const other = place.bundle({ program: ['count', '/shared/c'], cgroupsPath: '/vlab-lazy/d' });
    place.must(...RESTORE(), '--detach', '--lazy-pages', '--bundle', other, 'd');
    await goesOn('c');
    await Promise.all([once(dump, 'exit'), once(pages, 'exit')]);
    expect([dump.exitCode, pages.exitCode]).toEqual([0, 0]);
    expect(place.ids()).toEqual(['d']);
  });

  it('is refused without the privileges for it, by name', async (context) => {
    needs(context, 'no resource capability', !able(hostAbilities.capabilities()));
    const bundle = place.bundle({ program: ['count', '/shared/c'] });
    place.must('run', '--detach', '--bundle', bundle, 'c');
    await place.countsOn('c');
    const { code, stderr } = place.call(['checkpoint', '--image-path', images, '--lazy-pages', 'c']);
    expect(code).toBe(1);
    expect(stderr).toContain('CAP_SYS_RESOURCE');
    await goesOn('c');
  });
});

describe('without a criu that works', () => {
  it('it is told what is wrong with each, and the container runs on', async () => {
    const bundle = place.bundle({ program: ['count', '/shared/c'] });
    place.must('run', '--detach', '--bundle', bundle, 'c');
    await place.countsOn('c');
    const old = join(place.dir, 'criu-of-old');
    writeFileSync(old, '#!/bin/sh\necho "Version: 2.0"\n', { mode: 0o755 });
    const none = place.call(['--criu', '/nowhere/criu', 'checkpoint', '--image-path', images, 'c']);
    expect(none.stderr).toContain('/nowhere/criu: there is no such file');
    expect(none.stderr).toContain('vlab criu pull');
    const dead = place.call(['--criu', old, 'checkpoint', '--image-path', images, 'c']);
    expect(dead.code).toBe(1);
    expect(dead.stderr).toContain('criu ended without a word');
    expect(existsSync(join(images, 'inventory.img'))).toBe(false);
    await goesOn('c');
    expect((await findCriu(undefined)).argv).not.toContain(old);
  });
});

describe('wrong words', () => {
  it.each([
    [['checkpoint', 'nobody'], 'container "nobody" does not exist'],
    [['checkpoint', '--parent-path', '/x', 'c'], '--parent-path must be relative'],
    [['checkpoint', '--manage-cgroups-mode', 'x', 'c'], '--manage-cgroups-mode x'],
    [['restore', '--image-path', '/nowhere', '--bundle', 'BUNDLE', 'd'], 'holds no checkpoint'],
    [['restore', '--bundle', '/nowhere', 'd'], 'cannot read /nowhere/config.json'],
    [['restore', '--bundle', 'BUNDLE', 'c'], 'container with id c already exists'],
  ])('are told: %j', async (words, message) => {
    const bundle = place.bundle({ program: ['count', '/shared/c'] });
    place.must('run', '--detach', '--bundle', bundle, 'c');
    const said = place.call(words.map((word) => word.replace('BUNDLE', bundle)));
    expect(said.code).toBe(1);
    expect(said.stderr).toContain(message);
    expect(place.ids()).toEqual(['c']);
  });
});
