// Checkpoint and restore on the real kernel by a real criu: programs go on counting from where they were, in containers that
// are as ordinary as before.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasEnded, processOf } from '../../../src/sys/owners.js';
import { until } from '../sys/own-launcher.js';
import { type BundleOptions, isUnbroken, type Place, textOf, withPlace } from './checkpoint-container.js';

let place: Place;
let images: string;

withPlace((own) => {
  ({ place, images } = own);
});

/** Starts a program that counts into /shared/ID, or where `file` says, and waits until it does. */
async function started(id: string, program: string[], more: Partial<BundleOptions> & { file?: string } = {}) {
  const { file = id, ...options } = more;
  const bundle = place.bundle({ program, ...options });
  place.must('run', '--detach', '--bundle', bundle, id);
  await place.countsOn(file);
  return bundle;
}

const checkpoint = (id: string, ...flags: string[]) => place.must('checkpoint', '--image-path', images, ...flags, id);
const restore = (bundle: string, id: string, ...flags: string[]) =>
  place.must('restore', '--detach', '--image-path', images, '--bundle', bundle, ...flags, id);

/** It went on, and nothing was lost or came twice. */
async function goesOn(file: string): Promise<void> {
  await place.countsOn(file);
  expect(isUnbroken(place.counted(file))).toBe(true);
}

describe('a checkpoint', () => {
  it('ends the container, and a restore goes on where it was', async () => {
    const bundle = await started('c', ['count', '/shared/c']);
    const first = processOf(place.stateOf('c').pid);
    checkpoint('c');
    expect(place.ids()).toEqual([]);
    expect(hasEnded(first)).toBe(true);
    restore(bundle, 'c', '--pid-file', join(place.dir, 'pid'));
    await goesOn('c');
    expect(place.stateOf('c')).toMatchObject({ status: 'running', pid: Number(textOf(join(place.dir, 'pid'))) });
  });

  it('leaves it running with --leave-running', async () => {
    await started('c', ['count', '/shared/c']);
    const { pid } = place.stateOf('c');
    checkpoint('c', '--leave-running');
    expect(place.stateOf('c')).toMatchObject({ status: 'running', pid });
    await goesOn('c');
  });

  it('can be made of what was restored, again and again', async () => {
    const bundle = await started('c', ['count', '/shared/c']);
    for (let round = 0; round < 3; round++) {
      checkpoint('c');
      restore(bundle, 'c');
      rmSync(images, { recursive: true });
      await goesOn('c');
    }
  });

  it('is made of a paused container, too', async () => {
    const bundle = await started('c', ['count', '/shared/c']);
    place.must('pause', 'c');
    checkpoint('c');
    restore(bundle, 'c');
    await goesOn('c');
  });

  it('has logs and statistics in --work-path', async () => {
    const bundle = await started('c', ['count', '/shared/c']);
    const work = join(images, 'work');
    checkpoint('c', '--work-path', work);
    expect(readdirSync(work)).toEqual(expect.arrayContaining(['dump.log', 'stats-dump']));
    expect(readdirSync(images)).toEqual(expect.arrayContaining(['inventory.img', 'descriptors.json', 'vlab.json']));
    expect(readdirSync(images)).not.toContain('dump.log');
    restore(bundle, 'c', '--work-path', work);
    expect(readdirSync(work)).toContain('restore.log');
  });
});

describe('what comes back', () => {
  it('a connection over TCP', async () => {
    const bundle = await started('c', ['tcp', '/shared/c']);
    const refused = place.call(['checkpoint', '--image-path', images, 'c']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('criu failed over a connection over TCP');
    expect(refused.stderr).toContain('--tcp-established');
    expect(place.stateOf('c').status).toBe('running');
    checkpoint('c', '--tcp-established');
    restore(bundle, 'c', '--tcp-established');
    await goesOn('c');
  });

  it('a connection in a network without devices from the image: the loopback is brought up', async () => {
    const bundle = await started('c', ['tcp', '/shared/c']);
    checkpoint('c', '--tcp-established', '--empty-ns', 'network');
    expect(readdirSync(images).filter((name) => name.startsWith('netdev-'))).toEqual([]);
    restore(bundle, 'c', '--tcp-established');
    await goesOn('c');
  });

  it('a lock on a file', async () => {
    const bundle = await started('c', ['lock', '/shared/c', '/shared/locked']);
    const refused = place.call(['checkpoint', '--image-path', images, 'c']);
    expect(refused.stderr).toContain('--file-locks');
    checkpoint('c', '--file-locks');
    restore(bundle, 'c', '--file-locks');
    await goesOn('c');
    const { ino } = statSync(join(place.shared, 'locked'));
    expect(readFileSync('/proc/locks', 'utf8')).toMatch(new RegExp(`FLOCK +ADVISORY +WRITE +\\d+ +\\S+:${ino} `));
  });

  it('a file that was removed', async () => {
    const bundle = await started('c', ['unlinked', '/shared/c', '/shared/gone']);
    checkpoint('c', '--link-remap');
    restore(bundle, 'c', '--link-remap');
    await goesOn('c');
    expect(existsSync(join(place.shared, 'gone'))).toBe(false);
  });

  it('children, and what is in a tmpfs', async () => {
    const mounts = [{ destination: '/run', type: 'tmpfs', source: 'tmpfs' }];
    const bundle = place.bundle({ program: ['children', '/run/c'], mounts });
    place.must('run', '--detach', '--bundle', bundle, 'c');
    const inside = () => `/proc/${place.stateOf('c').pid}/root/run/c`;
    await place.countsOn(inside());
    checkpoint('c');
    restore(bundle, 'c');
    await goesOn(inside());
  });
});

describe('a restored container', () => {
  it('is one like others: exec, pause, kill and delete', async () => {
    const bundle = await started('c', ['count', '/shared/c']);
    checkpoint('c');
    restore(bundle, 'c');
    const { pid } = place.stateOf('c');
    expect(textOf(`/proc/${pid}/status`)).toMatch(/^NSpid:\t\d+\t1$/m);
    const exec = place.call(['exec', '--detach', 'c', '/bin/lasting', 'count', '/shared/exec']);
    expect(exec).toMatchObject({ code: 0 });
    await place.countsOn('exec');
    expect(readFileSync(procsOf(pid), 'utf8').split('\n').filter(Boolean)).toHaveLength(2);
    place.must('pause', 'c');
    expect(place.stateOf('c').status).toBe('paused');
    place.must('resume', 'c');
    place.must('kill', 'c', 'KILL');
    await until(() => place.stateOf('c').status === 'stopped', 'it has stopped');
    place.must('delete', 'c');
    expect(place.ids()).toEqual([]);
  });

  it('can have another name, another cgroup and another volume than the one it came from, which runs on', async () => {
    await started('one', ['count', '/shared/one'], { cgroupsPath: `/vlab-cr-${process.pid}/one` });
    checkpoint('one', '--leave-running');
    const other = join(place.dir, 'other');
    mkdirSync(other);
    const numbers = place.counted('one').slice(0, -1);
    const config = JSON.parse(readFileSync(join(place.bundle({ program: ['x'] }), 'config.json'), 'utf8'));
    config.linux.cgroupsPath = `/vlab-cr-${process.pid}/two`;
    config.mounts.find((one: { destination: string }) => one.destination === '/shared').source = other;
    const bundle = join(place.dir, 'bundle-two');
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    restore(bundle, 'two');
    await place.countsOn('one');
    await place.countsOn(join(other, 'one'));
    const [first = 0] = place.counted(join(other, 'one'));
    expect(first).toBeGreaterThanOrEqual(numbers.length);
    for (const id of ['one', 'two']) {
      const lines = readFileSync(`/proc/${place.stateOf(id).pid}/cgroup`, 'utf8')
        .trim()
        .split('\n');
      expect(lines.every((line) => line.endsWith(`/vlab-cr-${process.pid}/${id}`))).toBe(true);
    }
  });

  it('finds its mounts in a root file system that lacks the places for them', async () => {
    const mounts = [{ destination: '/deep/inside', type: 'bind', source: place.shared, options: ['bind'] }];
    const bundle = await started('c', ['count', '/shared/c'], { mounts });
    checkpoint('c');
    for (const name of ['proc', 'sys', 'dev', 'shared', 'deep']) {
      rmSync(join(place.rootfs, name), { recursive: true, force: true });
    }
    restore(bundle, 'c');
    await goesOn('c');
    expect(readdirSync(join(place.rootfs, 'deep'))).toEqual(['inside']);
  });

  it('runs the hooks that give it its network, and those at its end', async () => {
    const say = (name: string) => ({
      path: '/bin/sh',
      args: ['sh', '-c', `cat >> ${place.shared}/hooks; echo ${name} >> ${place.shared}/hooks`],
    });
    const hooks = { prestart: [say('prestart')], createRuntime: [say('createRuntime')], poststop: [say('poststop')] };
    const bundle = await started('c', ['count', '/shared/c'], { hooks });
    checkpoint('c');
    expect(textOf(join(place.shared, 'hooks'))).toMatch(
      /prestart\n.*createRuntime\n.*"status":"stopped".*poststop\n$/s,
    );
    rmSync(join(place.shared, 'hooks'));
    restore(bundle, 'c');
    const said = textOf(join(place.shared, 'hooks'));
    expect(said).toMatch(/^\{.*"status":"creating","pid":\d+.*\}prestart\n\{.*\}createRuntime\n$/s);
    expect(said).toContain(`"pid":${place.stateOf('c').pid}`);
  });

  it('is not there when a hook fails', async () => {
    const bundle = await started('c', ['count', '/shared/c']);
    checkpoint('c');
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    config.hooks = { prestart: [{ path: '/bin/false' }] };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    const failed = place.call(['restore', '--detach', '--image-path', images, '--bundle', bundle, 'c']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('prestart hook 0 (/bin/false) failed: exit code 1');
    expect(place.ids()).toEqual([]);
    const counted = place.counted('c').length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(place.counted('c')).toHaveLength(counted);
  });
});

function procsOf(pid: number): string {
  const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8').match(/^\d+:(?:.*,)?pids(?:,.*)?:(.*)$/m);
  return line ? `/sys/fs/cgroup/pids${line[1]}/cgroup.procs` : '/nowhere';
}
