// More than sixty command lines of every day mean the same to podman and to vlab. Needs root, podman, busybox-static and dist/.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isRoot, needs } from '../../skips.js';
import { documentedFile } from '../engines/documented.js';
import { type Ended, EngineRoom } from '../engines/engine-room.js';
import { makeRootfs } from '../engines/image.js';
import { BUSYBOX } from './run-ground.js';
import { EVERYDAY_LINES, type EverydayLine } from './sixty-lines.js';

const VLAB = resolve(import.meta.dirname, '../../../bin/vlab.cjs');
const PODMAN = '/usr/bin/podman';
/** crun refuses machines with both versions of cgroups. */
const RUNC = '/usr/sbin/runc';
const HERE = '/run/room/here';

/** `d`, as it must be called in a room: podman has no network there, and its cgroups are the room's. */
const TOOLS = {
  podman: (room: EngineRoom) => `
case $1 in
  run|create|build)
    verb=$1; shift
    case " $* " in *" --network"*) net= ;; *) net=--network=none ;; esac
    [ $verb = build ] && exec ${PODMAN} --runtime=${RUNC} build --network=none --cgroup-parent=${room.cgroup}/build "$@"
    exec ${PODMAN} --runtime=${RUNC} $verb $net --cgroup-parent=${room.cgroup} "$@" ;;
esac
exec ${PODMAN} --runtime=${RUNC} "$@"`,
  vlab: () => `
export VLAB_DATA_DIR=/run/vlab-data VLAB_RUN_DIR=/run/vlab
unset NODE_EXTRA_CA_CERTS
exec ${process.execPath} ${VLAB} "$@"`,
};

/** What a line may have left. */
const CLEAN_UP = `
running=$(d ps -q)
[ -z "$running" ] || d kill $running
for one in $(d ps -aq); do d rm -f $one; done
for one in $(d volume ls -q); do d volume rm $one; done
cd /; rm -rf ${HERE}; mkdir ${HERE}`;

const CONFIGURATION = '/etc/containers/containers.conf.d/without-systemd.conf';

describe.each(['podman', 'vlab'] as const)('%s', (tool) => {
  const present = isRoot && existsSync(BUSYBOX) && (tool === 'vlab' || (existsSync(PODMAN) && existsSync(RUNC)));
  let room: EngineRoom;

  async function run({ line, terminal }: EverydayLine): Promise<Ended> {
    const words = ['bash', '-c', `cd ${HERE}; ${line}`];
    const options = { env: { PATH: `/run/room/bin:${process.env.PATH}` } };
    return terminal ? room.onTerminal(words, options) : room.run(words, options);
  }

  beforeAll(async () => {
    if (!present) return;
    room = await EngineRoom.start();
    room.write(CONFIGURATION, documentedFile(CONFIGURATION));
    room.write('/run/room/bin/d', `#!/bin/sh${TOOLS[tool](room)}\n`, 0o755);
    await room.ask(['mkdir', '-p', HERE]);
    const rootfs = await makeRootfs(room);
    const made = await run({ line: `tar -C ${rootfs} -c . | d import - bb` });
    if (made.code !== 0) throw new Error(`no image can be made: ${made.stderr}`);
  }, 60_000);
  beforeEach((context) => {
    needs(context, 'root', isRoot);
    needs(context, 'busybox-static', existsSync(BUSYBOX));
    if (tool === 'podman') {
      needs(context, 'podman', existsSync(PODMAN));
      needs(context, 'runc', existsSync(RUNC));
    }
  });
  afterEach(async () => {
    if (present) await run({ line: CLEAN_UP });
  });
  afterAll(async () => room?.[Symbol.asyncDispose]());

  it.each(EVERYDAY_LINES.map((one) => [one.line, one] as const))('%s', async (_, expected) => {
    const { code, stdout, stderr } = await run(expected);
    const told = `${stdout}\n${stderr}`;
    expect([expected.code ?? 0].flat(), told).toContain(code);
    for (const [text, wanted] of [
      [stdout, expected.stdout],
      [stderr, expected.stderr],
    ] as const) {
      if (typeof wanted === 'string') expect(text, told).toBe(wanted);
      else if (wanted) expect(text, told).toMatch(wanted);
    }
  });
});
