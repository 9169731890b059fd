// Needs root: hostile bundles: each is performed or refused in time, leads nowhere, and leaves nothing.
import { describe, expect, it } from 'vitest';
import { smallConfig } from '../../fixtures/oci/configs.js';
import { bundle, expectDone, expectTold, oci, sh, useOuter, WAYS } from './in-outer.js';
import { COLD, NATIVE, STATE_ROOT } from './outer.js';

useOuter();

describe('a root file system', () => {
  const hostile = `
    mkdir -p /bundles/hostile/rootfs; cd /bundles/hostile/rootfs; cp /bundles/rootfs/probe .
    ln -sfn /etc proc; ln -sfn ../../../../.. dev; ln -sfn sys2 sys; ln -sfn sys sys2; ln -sfn / tmp`;

  it('full of links never leads out of itself', async () => {
    await sh(hostile);
    const marks = () => sh('ls -a /etc /bundles / /dev | md5sum; cat /proc/self/mountinfo | wc -l');
    const was = (await marks()).stdout;
    const wish = { root: 'rootfs', more: { root: { path: 'rootfs' } } };
    const path = await bundle('hostile', wish);
    for (const runtime of [NATIVE, COLD]) {
      const ran = await oci(['run', '--bundle', path, 'hostile'], { runtime });
      expect(ran.late).toBe(false);
      if (ran.code !== 0) expectTold(ran, /config\.json: |could not /);
      expect((await marks()).stdout).toBe(was);
    }
    // With places for what is mounted, the same bundle runs.
    await sh('cd /bundles/hostile/rootfs; rm proc dev sys sys2 tmp; mkdir proc dev sys tmp');
    expectDone(await oci(['run', '--bundle', path, 'hostile']));
  });

  it('has names that are no text', async () => {
    await sh(`mkdir -p /bundles/bytes/rootfs/proc /bundles/bytes/rootfs/dev; cd /bundles/bytes/rootfs
      cp /bundles/rootfs/probe .; mkdir "$(printf 'a\\377\\376b')"; : > "$(printf '\\200')"; ln -s "$(printf '\\377')" link`);
    expectDone(await oci(['run', '--bundle', await bundle('bytes', { root: 'rootfs' }), 'bytes']));
    const path = await bundle('bytes', { root: 'rootfs', args: ['/link'] });
    expectTold(await oci(['run', '--bundle', path, 'bytes']), 'exec: "/link"');
  });

  it.each([
    ['a file', ': > root', 'root'],
    ['not there', 'true', 'root'],
    ['a link to nothing', 'ln -sfn nothing root', 'root'],
    ['a link to itself', 'ln -sfn root root', 'root'],
    ['a device', 'mknod root c 1 3', 'root'],
    ['above a file', ': > root', 'root/below'],
    ['too long a path', 'true', `/${'a/'.repeat(2100)}`],
    ['too long a name', 'true', 'a'.repeat(300)],
  ])('that is %s is told', async (_, script, root) => {
    const path = await bundle('none', { root });
    await sh(`cd ${path}; rm -rf root; ${script}`);
    expectTold(await oci(['run', '--bundle', path, 'none']), /config\.json: root\.path|could not .*root file system/s);
  });

  it('may be a link to a directory, and lie deep', async () => {
    const path = await bundle('link', { root: 'root' });
    await sh(`ln -sfn /bundles/rootfs ${path}/root`);
    expectDone(await oci(['run', '--bundle', path, 'link']));
    const deep = `/bundles/deep/${`${'d'.repeat(200)}/`.repeat(15)}`;
    await sh(
      `mkdir -p ${deep}/rootfs/proc ${deep}/rootfs/dev; cp /bundles/rootfs/probe ${deep}/rootfs; cat > ${deep}/config.json`,
      {
        stdin: JSON.stringify(smallConfig({ root: 'rootfs' })),
      },
    );
    for (const runtime of [NATIVE, COLD]) expectDone(await oci(['run', '--bundle', deep, 'deep'], { runtime }));
  });
});

describe('a bundle', () => {
  it.each(WAYS)('whose path is no text, or too long, is told (%s)', async (_, runtime) => {
    await sh(
      `mkdir -p "$(printf '/bundles/\\377')"; cp /bundles/*/config.json "$(printf '/bundles/\\377')/" 2>/dev/null; true`,
    );
    const words = [...runtime, '--root', STATE_ROOT].join(' ');
    expectTold(await sh(`cd "$(printf '/bundles/\\377')"; exec ${words} run bytes`), /config\.json/);
    expectTold(await sh(`exec ${words} run --bundle "$(printf '/bundles/\\377')" bytes`), 'not UTF-8');
    expectTold(await oci(['run', '--bundle', `/bundles/${'a/'.repeat(2100)}`, 'long'], { runtime }), 'ENAMETOOLONG');
  });

  it.each([
    ['a FIFO', 'mkfifo config.json'],
    ['a directory', 'mkdir config.json'],
    ['a device without an end', 'ln -s /dev/zero config.json'],
    ['a link to itself', 'ln -s config.json config.json'],
    ['empty', ': > config.json'],
    ['of bytes that are no text', "printf '\\377\\376{}' > config.json"],
    ['not there', 'true'],
  ])('whose config.json is %s is told', async (_, script) => {
    await sh(`rm -rf /bundles/odd; mkdir /bundles/odd; cd /bundles/odd; ${script}`);
    expectTold(await oci(['run', '--bundle', '/bundles/odd', 'odd']), 'config.json');
  });

  it.each(WAYS)('may have a config.json of 10 MiB (%s)', async (_, runtime) => {
    const annotations = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`org.example.${at}`, 'x'.repeat(10_000)]),
    );
    const path = await bundle('large', { more: { annotations } });
    expectDone(await oci(['run', '--bundle', path, 'large'], { runtime }));
    // The hooks read all of it, or nothing.
    const hooks = { createRuntime: [{ path: '/bin/true' }], createContainer: [{ path: '/bin/cat' }] };
    const hooked = await bundle('large', { more: { annotations: { a: 'é'.repeat(50_000) }, hooks } });
    expectDone(await oci(['create', '--bundle', hooked, 'large'], { runtime }));
    const { stdout } = await oci(['state', 'large'], { runtime });
    expect((JSON.parse(stdout) as { annotations: { a: string } }).annotations.a).toHaveLength(50_000);
    expectDone(await oci(['delete', '--force', 'large'], { runtime }));
  });
});

describe('a filter', () => {
  it.each(WAYS)('that forbids everything ends the container, and nothing hangs (%s)', async (_, runtime) => {
    const seccomp = (defaultAction: string) => ({ linux: { seccomp: { defaultAction, syscalls: [] } } });
    for (const action of ['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS']) {
      const path = await bundle('mute', seccomp(action));
      const ran = await oci(['run', '--bundle', path, 'mute'], { runtime });
      expect(ran).toMatchObject({ late: false });
      expect(ran.code).not.toBe(0);
      expectDone(await oci(['create', '--bundle', path, 'mute'], { runtime }));
      const started = await oci(['start', 'mute'], { runtime });
      expect(started).toMatchObject({ late: false });
      await expect.poll(async () => (await oci(['state', 'mute'])).stdout).toContain('"stopped"');
      expectDone(await oci(['delete', 'mute'], { runtime }));
    }
    expectDone(await oci(['run', '--bundle', await bundle('mute', seccomp('SCMP_ACT_ALLOW')), 'mute'], { runtime }));
  });
});
