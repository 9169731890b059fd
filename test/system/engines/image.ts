/** A root file system for engines to make an image of: busybox alone, so that nothing is pulled. */
import type { EngineRoom } from './engine-room.js';

const ROOT = '/run/room/image';
const SCRIPT = `
cd "$0" && mkdir -p bin root && mkdir -m 1777 tmp
for name in $(/bin/busybox --list); do ln -s busybox bin/$name; done
rm -f bin/busybox && cp /bin/busybox bin/busybox
`;

/** Its path in the room. */
export async function makeRootfs(room: EngineRoom): Promise<string> {
  room.write(`${ROOT}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n');
  room.write(`${ROOT}/etc/group`, 'root:x:0:\nuser:x:1000:\nmore:x:44:user\n');
  room.write(`${ROOT}/plain`, 'no program\n');
  room.write(`${ROOT}/unknown`, 'no program\n', 0o755);
  await room.ask(['sh', '-c', SCRIPT, ROOT]);
  return ROOT;
}
