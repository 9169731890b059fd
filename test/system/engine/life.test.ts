// What scripts do with containers, command by command, on this kernel. Needs the built dist/ and root.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type EngineRoom, withEngineRoom } from './engine-room.js';

let room: EngineRoom;
withEngineRoom((own) => {
  room = own;
});

const run = (...words: string[]) => room.vlab('run', '--network', 'none', ...words);
const state = (name: string) => room.done('ps', '-a', '--filter', `name=^${name}$`, '--format', '{{.State}}');

describe('run', () => {
  it('shows what the program says, and ends as it does; --rm leaves nothing', async () => {
    expect(await run('--rm', 'busybox', 'echo', 'hello')).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
    expect((await run('--rm', 'busybox', 'sh', '-c', 'echo bad >&2; exit 7')).stderr).toBe('bad\n');
    expect((await run('--rm', 'busybox', 'sh', '-c', 'exit 7')).code).toBe(7);
    expect(await room.done('ps', '-aq')).toBe('');
    expect(readdirSync(join(room.data, 'containers'))).toEqual(['names']);
    expect(readdirSync(join(room.data, 'containers/names'))).toEqual(['lock']);
  });

  it('says with docker’s exit codes what kept it from running', async () => {
    expect((await run('--rm', 'busybox', '/nothing')).code).toBe(127);
    expect((await run('--rm', 'busybox', '/etc')).code).toBe(126);
    expect((await run('--rm', '--pull', 'never', 'nosuchimage')).code).toBe(125);
    expect((await run('--rm', '--nosuchflag', 'busybox')).code).not.toBe(0);
    expect(await room.done('ps', '-aq')).toBe('');
  });

  it('in the background prints the whole id alone, and keeps its output', async () => {
    const { stdout, stderr } = await run('-d', '--name', 'bg', 'busybox', 'sh', '-c', 'echo out; echo err >&2');
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(stderr).toBe('');
    const id = stdout.trim();
    expect(await room.done('wait', id.slice(0, 10))).toBe('0');
    const logs = await room.vlab('logs', 'bg');
    expect([logs.stdout, logs.stderr]).toEqual(['out\n', 'err\n']);
    expect(await room.done('rm', 'bg')).toBe('bg');
  });

  it('is one vlab for commands in other mount namespaces, as of a service with a /tmp of its own', async () => {
    const elsewhere = ['unshare', '--mount', '--propagation', 'private'];
    const runSleep = ['run', '-d', '--network', 'none', '--name'];
    expect((await room.vlabBy(elsewhere, ...runSleep, 'there', 'busybox', 'sleep', '100')).stderr).toBe('');
    expect((await room.vlab(...runSleep, 'here', 'busybox', 'sleep', '100')).stderr).toBe('');
    expect(await room.done('exec', 'there', 'echo', 'reached')).toBe('reached');
    expect(await room.vlabBy(elsewhere, 'exec', 'here', 'echo', 'reached')).toMatchObject({ stdout: 'reached\n' });
    expect(await room.vlabBy(elsewhere, 'stop', '-t', '0', 'here')).toMatchObject({ code: 0 });
    expect(await room.done('rm', '-f', 'there', 'here')).toBe('there\nhere');
  });

  it('a name is taken once', async () => {
    await run('-d', '--name', 'twin', 'busybox', 'sleep', '100');
    const second = await run('--name', 'twin', 'busybox', 'true');
    expect(second.code).toBe(125);
    expect(second.stderr).toContain('The container name "/twin" is already in use by container');
    expect(await room.done('rm', '-f', 'twin')).toBe('twin');
  });

  it('has the name files, volumes and environment that docker gives', async () => {
    const line = 'cat /etc/hostname /etc/hosts; echo $HOSTNAME; echo kept > /data/file';
    const { stdout } = await run('--rm', '-h', 'box', '-v', 'vol:/data', 'busybox', 'sh', '-c', line);
    expect(stdout).toContain('box\n127.0.0.1\tlocalhost\n');
    expect(stdout.trimEnd().endsWith('box')).toBe(true);
    expect((await run('--rm', '-v', 'vol:/other:ro', 'busybox', 'cat', '/other/file')).stdout).toBe('kept\n');
    expect((await run('--rm', '-v', 'vol:/other:ro', 'busybox', 'touch', '/other/file')).code).toBe(1);
  });
});

describe('a container that is there', () => {
  it('goes from created to running, paused, stopped, renamed, and away', async () => {
    await room.done('create', '--network', 'none', '--name', 'one', 'busybox', 'sleep', '1000');
    expect(await state('one')).toBe('created');
    expect(await room.done('start', 'one')).toBe('one');
    expect(await state('one')).toBe('running');
    expect((await room.vlab('rm', 'one')).stderr).toContain('container is running');
    await room.done('pause', 'one');
    expect(await state('one')).toBe('paused');
    expect((await room.vlab('pause', 'one')).code).toBe(1);
    await room.done('unpause', 'one');
    expect(await room.done('top', 'one', '-o', 'pid,args')).toContain('sleep 1000');
    await room.done('rename', 'one', 'two');
    expect((await room.vlab('stop', 'one')).stderr).toContain('No such container: one');
    const began = Date.now();
    await room.done('stop', '-t', '1', 'two'); // a first process without a handler ignores TERM
    expect(Date.now() - began).toBeGreaterThan(900);
    expect(await room.done('ps', '-a', '--format', '{{.Status}}', '--filter', 'name=two')).toMatch(/^Exited \(137\)/);
    await room.done('start', 'two');
    await room.done('kill', 'two');
    expect(await room.done('wait', 'two')).toBe('137');
    await room.done('restart', 'two');
    expect(await state('two')).toBe('running');
    await room.done('rm', '-f', 'two');
    expect((await room.vlab('start', 'two')).code).toBe(1);
  });

  it('several at once: one that fails keeps none of the others', async () => {
    await run('-d', '--name', 'aa', 'busybox', 'sleep', '100');
    await run('-d', '--name', 'bb', 'busybox', 'sleep', '100');
    const killed = await room.vlab('kill', 'aa', 'nosuch', 'bb');
    expect([killed.code, killed.stdout]).toEqual([1, 'aa\nbb\n']);
    expect(await room.done('wait', 'aa', 'bb')).toBe('137\n137');
    expect(await room.done('rm', 'aa', 'bb')).toBe('aa\nbb');
  });

  it('keeps what it writes, shows it, and becomes an image', async () => {
    await run('--name', 'work', 'busybox', 'sh', '-c', 'echo 1 > /new; rm /bin/id');
    expect(await room.done('diff', 'work')).toBe('C /bin\nD /bin/id\nA /new');
    expect(await room.done('commit', '-m', 'more', 'work', 'work:v1')).toMatch(/^sha256:/);
    expect((await run('--rm', 'work:v1', 'cat', '/new')).stdout).toBe('1\n');
    expect((await run('--rm', 'work:v1', 'id')).code).toBe(127);
    await room.done('rm', 'work');
  });

  it('gets other limits while it runs, and keeps them', async () => {
    await run('-d', '--name', 'lim', 'busybox', 'sleep', '1000');
    await room.done('update', '--memory', '32m', '--pids-limit', '50', 'lim');
    expect(await room.done('stats', '--no-stream', '--format', '{{.MemUsage}}', 'lim')).toMatch(/\/ 32MiB$/);
    await room.done('restart', '-t', '0', 'lim');
    expect(await room.done('stats', '--no-stream', '--format', '{{.MemUsage}}', 'lim')).toMatch(/\/ 32MiB$/);
    await room.done('rm', '-f', 'lim');
  });

  it('tells in events what happened, in order', async () => {
    const since = String(Math.floor(Date.now() / 1000));
    await run('--rm', '--name', 'told', 'busybox', 'true');
    const said = await room.done(
      'events',
      '--since',
      since,
      '--until',
      '0s',
      '--filter',
      'container=told',
      '--format',
      '{{.Action}}',
    );
    expect(said.split('\n')).toEqual(['create', 'start', 'die', 'destroy']);
  });

  it('that ran when the machine went down is exited, and says so', async () => {
    await run('-d', '--name', 'boot', 'busybox', 'sleep', '1000');
    const [id = ''] = readdirSync(join(room.data, 'containers')).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const path = join(room.data, 'containers', id, 'state.json');
    const text = readFileSync(path, 'utf8');
    const { process: init } = JSON.parse(text) as { process: { pid: number } };
    const { writeFileSync } = await import('node:fs');
    writeFileSync(path, text.replaceAll(/"bootId":"[^"]*"/g, '"bootId":"another"'));
    expect(await room.done('ps', '-a', '--format', '{{.Status}}', '--filter', 'name=boot')).toMatch(/^Exited \(255\)/);
    await room.done('rm', 'boot');
    expect(existsSync(`/proc/${init.pid}`)).toBe(false); // it went with its cgroup
  });
});
