import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isRoot, needs } from '../../skips.js';
import { BuildRoom, hasBuildah, hasBusybox } from './build-room.js';

const FIRST = ['FROM scratch', 'COPY busybox /bin/busybox', 'RUN ["/bin/busybox", "--install", "-s", "/bin"]'];

let room: BuildRoom;
beforeAll(() => {
  if (isRoot && hasBusybox) room = new BuildRoom();
});
afterAll(() => room?.[Symbol.dispose]());
beforeEach((context) => {
  needs(context, 'root', isRoot);
  needs(context, 'busybox-static', hasBusybox);
  room.file('.dockerignore', 'Dockerfile\n');
});

/** What a command in the image that was built prints. */
function printed(...command: string[]): string {
  const { stdout, stderr, code } = room.vlab(['run', '--rm', '--network', 'none', 'built', ...command]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Containers and steps that are at work. */
function leftovers(): string[] {
  const containers = join(room.directory, 'd', 'containers');
  const folders = existsSync(containers) ? readdirSync(containers).filter((name) => name !== 'names') : [];
  return folders.filter((name) => !name.startsWith('lock'));
}

describe('steps', () => {
  it('are taken from the cache until what they do, or copy, has changed', () => {
    room.file('data', 'one');
    room.dockerfile(...FIRST, 'COPY data /data', 'RUN cat /data /proc/sys/kernel/random/uuid > /made', 'ENV a=b');
    const first = room.build();
    const again = room.vlab(['build', '--network', 'none', '-t', 'built', room.context]);
    expect(again.stderr.match(/CACHED/g)).toHaveLength(4);
    expect(room.build()).toBe(first);
    room.file('data', 'two');
    expect(room.build()).not.toBe(first);
    expect(printed('head', '-c', '3', '/made')).toBe('two');
    room.file('data', 'one');
    expect(room.build()).toBe(first);
    expect(room.build('--no-cache')).not.toBe(first);
  });

  it('give the same image twice by SOURCE_DATE_EPOCH, from nothing each time', () => {
    room.file('data', 'one');
    room.dockerfile(
      ...FIRST,
      'COPY data /data',
      'WORKDIR /here',
      'RUN date > /dev/null && mkdir x && echo y > x/y',
      'LABEL b=1 a=2',
    );
    const build = () => {
      const iidfile = join(room.directory, 'id');
      const words = [
        'build',
        '-q',
        '--no-cache',
        '--network',
        'none',
        '--iidfile',
        iidfile,
        '-t',
        'built',
        room.context,
      ];
      const { code, stderr } = room.vlab(words, { env: { SOURCE_DATE_EPOCH: '1700000000' } });
      expect(stderr).toBe('');
      expect(code).toBe(0);
      return readFileSync(iidfile, 'utf8');
    };
    const [first, second] = [build(), build()];
    expect(first).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(second).toBe(first);
  });

  it('see ARGs, and the arguments that nobody asked for are named', () => {
    room.dockerfile(...FIRST, 'ARG v=1', 'RUN echo "$v-$HTTP_PROXY-$w" > /out');
    const words = [
      '--build-arg',
      'v=2',
      '--build-arg',
      'HTTP_PROXY=p',
      '--build-arg',
      'w=3',
      '-t',
      'built',
      room.context,
    ];
    const { stderr, code } = room.vlab(['build', '--network', 'none', ...words]);
    expect(code).toBe(0);
    expect(stderr).toContain('[Warning] One or more build-args [w] were not consumed');
    expect(printed('cat', '/out')).toBe('2-p-\n');
  });

  it('take here-documents: files, a script for the shell, and one that says what runs it', () => {
    room.dockerfile(
      ...FIRST,
      'ENV name=value',
      'COPY <<one <<"two" /docs/',
      'a "$name"',
      'one',
      'a $name',
      'two',
      'RUN <<EOF',
      'set -e',
      'echo first > /lines',
      'echo "$name" >> /lines',
      'EOF',
      'RUN <<EOF',
      '#!/bin/awk -f',
      'BEGIN { print "awk" > "/awk" }',
      'EOF',
    );
    room.build();
    expect(printed('cat', '/docs/one', '/docs/two', '/lines', '/awk')).toBe('a "value"\na $name\nfirst\nvalue\nawk\n');
  });

  it('that are triggers of the base go first', () => {
    room.dockerfile(...FIRST, 'ONBUILD RUN echo "$PWD" > /trigger', 'ONBUILD COPY data /onbuild');
    room.file('data', 'x');
    room.build('-t', 'other');
    room.dockerfile('FROM other', 'CMD ["cat", "/trigger", "/onbuild"]');
    room.build();
    expect(printed()).toBe('/\nx');
  });

  it('may fetch a file, whose digest is looked at', async () => {
    const server = createServer((_, response) => response.end('fetched')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dir/name?x=1`;
      const build = async (checksum: string) => {
        room.dockerfile('FROM scratch', `ADD --checksum=sha256:${checksum} ${url} /x/`);
        const child = spawn(process.execPath, [resolve('bin/vlab.cjs'), 'build', '-q', '-t', 'built', room.context], {
          env: room.env,
        });
        let stderr = '';
        child.stderr.on('data', (text) => {
          stderr += text;
        });
        const [code] = await once(child, 'close');
        return { code, stderr };
      };
      const digest = 'c7a04281a7a7f8b8b8f1e3a6a2f2d5fd9cd5a0a9e6d2cb4d3f3a5d1f6a1c3e0b';
      expect(await build(digest)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/its digest is sha256:[0-9a-f]{64}/),
      });
      const found = /its digest is sha256:([0-9a-f]{64})/.exec((await build(digest)).stderr)?.[1] ?? '';
      expect(await build(found)).toEqual({ code: 0, stderr: '' });
    } finally {
      server.close();
    }
  });
});

describe('what is built from', () => {
  it('may be an archive or a Dockerfile on standard input', () => {
    room.file('data', 'x');
    room.dockerfile('FROM scratch', 'COPY data /data');
    const packed = join(room.directory, 'context.tgz');
    room.mustRun('tar', ['-czf', packed, '-C', room.context, '.']);
    const { code, stderr } = room.vlab(['build', '-q', '-t', 'built', '-'], { input: readFileSync(packed) });
    expect([code, stderr]).toEqual([0, '']);
    const alone = room.vlab(['build', '-q', '-'], { input: 'FROM scratch\nLABEL a=b\nCOPY <<E /x\ny\nE\n' });
    expect([alone.code, alone.stderr]).toEqual([0, '']);
    expect(room.vlab(['build', '-q', '-f', '-', room.context], { input: 'FROM scratch\nCOPY data /' }).code).toBe(0);
    expect(room.vlab(['build', '-f', '-', '-']).stderr).toContain("can't use stdin for both");
  });

  it('has its own list of what is left out for another Dockerfile', () => {
    room.file('data', 'x');
    room.file('other.Dockerfile', 'FROM scratch\nCOPY data /data\n');
    room.file('other.Dockerfile.dockerignore', 'data\n');
    const { code, stderr } = room.vlab(['build', '-f', join(room.context, 'other.Dockerfile'), room.context]);
    expect(code).toBe(2);
    expect(stderr).toContain('other.Dockerfile:2: COPY data /data: "/data": not found');
  });
});

describe('mistakes', () => {
  it.each([
    [['FROM scratch', 'COPPY a b'], 'Dockerfile:2: unknown instruction: COPPY (did you mean COPY?)'],
    [['FROM scratch', 'COPY missing /'], 'Dockerfile:2: COPY missing /: "/missing": not found'],
    [['FROM scratch', 'COPY ../../../../etc/passwd /'], '"/etc/passwd": not found'],
    [['FROM scratch', 'COPY nothing* /'], 'no files match nothing*'],
    [[...FIRST, 'RUN exit 3'], 'Dockerfile:4: RUN exit 3: the command returned a non-zero code: 3'],
    [[...FIRST, 'COPY --chown=nobody:nogroup busybox /x'], 'unable to find user nobody'],
    [[...FIRST, 'COPY busybox /bin'], undefined],
    [[...FIRST, 'RUN mkdir /d', 'COPY busybox /x/', 'COPY x /x/busybox/'], '"/x": not found'],
  ])('%j: %s', (lines, message) => {
    room.dockerfile(...lines);
    const { code, stderr } = room.vlab(['build', '--network', 'none', room.context]);
    if (message === undefined) expect(code).toBe(0);
    else {
      expect(stderr).toContain(message);
      expect(code).not.toBe(0);
    }
    expect(leftovers()).toEqual([]);
  });

  it('names the stages when there is none of that name', () => {
    room.dockerfile('FROM scratch AS made', 'COPY busybox /');
    expect(room.vlab(['build', '--target', 'mad', room.context]).stderr).toContain('did you mean made?');
    expect(room.vlab(['build', '--target', 'made', room.context]).code).toBe(0);
  });
});

describe('a build that is killed', () => {
  it('in the middle of a command leaves nothing, and the same command then succeeds', async () => {
    room.dockerfile(...FIRST, 'RUN echo begun && test -e /hurry || sleep 30');
    const words = ['build', '--network', 'none', '-t', 'built', room.context];
    const child = spawn(process.execPath, [resolve('bin/vlab.cjs'), ...words], { env: room.env });
    await new Promise<void>((done) => {
      let seen = '';
      child.stderr.on('data', (text) => {
        seen += text;
        if (seen.includes('begun\n')) done();
      });
    });
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(leftovers().length).toBeGreaterThan(0);
    room.dockerfile(...FIRST, 'RUN echo done');
    room.build();
    expect(leftovers()).toEqual([]);
    expect(room.vlab(['ps', '-aq']).stdout).toBe('');
  });

  it('by Ctrl-C takes its container with it', async () => {
    room.dockerfile(...FIRST, 'RUN echo begun2 && sleep 30');
    const words = ['build', '--network', 'none', '-t', 'built', room.context];
    const child = spawn(process.execPath, [resolve('bin/vlab.cjs'), ...words], { env: room.env });
    await new Promise<void>((done) => {
      let seen = '';
      child.stderr.on('data', (text) => {
        seen += text;
        if (/#\d+ begun2\n/.test(seen)) done();
      });
    });
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    expect(leftovers()).toEqual([]);
  });
});

describe('other tools', () => {
  it('take the image: skopeo reads its configuration and copies it, umoci unpacks it', (context) => {
    needs(context, 'buildah', hasBuildah);
    room.dockerfile(...FIRST, 'CMD ["echo", "hello"]');
    room.build();
    const { config } = room.ofVlab();
    expect(config.config).toMatchObject({ Cmd: ['echo', 'hello'] });
    expect(config.history.map(({ created_by }) => created_by)).toEqual([
      'COPY busybox /bin/busybox',
      'RUN /bin/busybox --install -s /bin',
      'CMD ["echo","hello"]',
    ]);
  });
});
