import { describe, expect, it } from 'vitest';
import { readLine } from './read-line.js';

const words = (line: string) => line.split(' ').filter(Boolean);
const asked = async (line: string) => (await readLine([...words(line), 'b'])).asked;

describe('a line', () => {
  it('ends at the image: what follows is the command, whatever it looks like', async () => {
    const { root, asked: it_ } = await readLine(words('-it --rm busybox ls -la --rm'));
    expect([root, it_.command]).toEqual([{ kind: 'image', image: 'busybox' }, ['ls', '-la', '--rm']]);
  });

  it('with a directory has no image', async () => {
    const { root, asked: it_ } = await readLine(words('--rootfs /r -t ls -la'));
    expect([root, it_.command, it_.tty]).toEqual([{ kind: 'directory', path: '/r' }, ['ls', '-la'], true]);
  });

  it('says when to pull, where the id goes, and which platform is meant', async () => {
    expect(await readLine(words('--pull always -q --cidfile /c --platform linux/arm64 b'))).toMatchObject({
      ...{ pull: 'always', quiet: true, cidfile: '/c', platform: 'linux/arm64' },
    });
    expect(await readLine(['b'])).toMatchObject({ pull: 'missing', quiet: false });
  });

  it.each([
    ['', 'an image is needed'],
    ['--name a/b b', 'Invalid container name (a/b)'],
    ['-d -a stdout b', 'cannot specify both --attach and --detach'],
    ['--gpus all b', '--gpus: vlab hands no GPUs on'],
    ['--link a b', '--link: docker has given links up'],
    ['--runtime runc b', 'unknown or invalid runtime name: runc'],
    ['--system --init b', 'conflicting options: --system and --init'],
    ['--restart foo b', "unknown policy 'foo'"],
    ['--restart always:1 b', "maximum retry count can only be used with 'on-failure'"],
    ['-v a:b:c:d b', 'invalid volume specification'],
    ['-v /a:/b:zz b', 'invalid mode: zz'],
    ['-v /a:rel b', "invalid mount path: 'rel' mount path must be absolute"],
    ['-v rel/x:/b b', 'includes invalid characters for a local volume name'],
    ['-v /a:/ b', "destination can't be '/'"],
    ['--mount type=bind,dst=/a b', 'field Source must not be empty'],
    ['--mount type=foo,dst=/a b', 'mount type foo is not there'],
    ['--tmpfs /a:foo b', 'invalid tmpfs option ["foo"]'],
    ['--log-driver syslog b', "logger: no log driver named 'syslog' is registered"],
    ['--log-opt max-file=3 b', 'max-file cannot be greater than 1 when max-size is not set'],
    ['--security-opt apparmor=x b', 'vlab sets no profile of AppArmor'],
    ['--stop-signal FOO b', 'invalid signal: FOO'],
    ['--oom-score-adj 2000 b', 'range for oom score adj is [-1000, 1000]'],
    ['--cap-add foo b', 'invalid capability: "foo"'],
    ['--ip 1.1.1 b', 'it is no address of IPv4'],
    ['--network a --network a b', 'network "a" is specified multiple times'],
    ['--device vendor.com/class=x b', 'Container Device Interface'],
  ])('%s is refused', async (line, message) => {
    await expect(readLine(words(line))).rejects.toMatchObject({
      message: expect.stringContaining(message),
      exitCode: 125,
    });
  });
});

describe('variables and labels', () => {
  it('of a file come before those of the line', async () => {
    const files = { '/e': '\uFEFF# a comment\n\nA=1\n  B= two \nFROM_ENV\nNOT_THERE\nC=x#y\r\n', '/l': 'a=1\nb\n' };
    const { asked: it_ } = await readLine(words('--env-file /e -e A=2 --label-file /l -l b=2 b'), files);
    expect(it_.env).toEqual(['A=1', 'B= two ', 'FROM_ENV=yes', 'C=x#y', 'A=2']);
    expect(it_.labels).toEqual({ a: '1', b: '2' });
  });

  it.each([
    ['=x', 'no variable name on line'],
    ['A B=1', "variable 'A B' contains whitespaces"],
  ])('%s in a file is refused', async (text, message) => {
    await expect(readLine(words('--env-file /e b'), { '/e': text })).rejects.toThrow(message);
  });
});

describe('networks', () => {
  it('have names and addresses each', async () => {
    const long = 'name=a,alias=b,alias=c,ip6=fd::1,mac-address=92:D0:C6:0A:29:33,driver-opt=k=v';
    expect((await asked(`--network ${long} --network z --ip 10.0.0.9`)).network).toMatchObject({
      mode: 'networks',
      attachments: [
        {
          ...{ network: 'a', aliases: ['b', 'c'], ipv4Address: '10.0.0.9', ipv6Address: 'fd::1' },
          ...{ macAddress: '92:d0:c6:0a:29:33', driverOptions: { k: 'v' } },
        },
        { network: 'z', aliases: [], driverOptions: {} },
      ],
    });
  });

  it('is the default one where none is named', async () => {
    expect((await asked('')).network).toMatchObject({ mode: 'networks', attachments: [{ network: 'bridge' }] });
  });
});

it('limits logs', async () => {
  expect((await asked('--log-opt max-size=1m --log-opt max-file=3')).log).toEqual({
    ...{ driver: 'json-file', maxSizeBytes: 1024 ** 2, maxFiles: 3 },
    options: { 'max-size': '1m', 'max-file': '3' },
  });
  expect((await asked('--log-driver local')).log).toMatchObject({ maxSizeBytes: 20 * 1024 ** 2, maxFiles: 5 });
});

it('a profile of system calls is kept as its text', async () => {
  const { asked: it_ } = await readLine(words('--security-opt seccomp=/p b'), { '/p': '{}' });
  expect(it_.security.seccomp).toEqual({ kind: 'profile', profile: '{}' });
});
