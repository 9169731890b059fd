/** A root file system around a static busybox, as that of docker's image of the name. Pure. */
import type { PlannedFile } from './planned-tree.js';

const DIRECTORIES = ['.', 'bin', 'dev', 'etc', 'home', 'proc', 'sys', 'usr', 'usr/bin', 'usr/sbin', 'var', 'var/spool'];
const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;
const GROUP = `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
www-data:x:33:
operator:x:37:
users:x:100:
nogroup:x:65534:
`;
const SHADOW = PASSWD.split('\n')
  .filter(Boolean)
  .map((line) => `${line.split(':')[0]}:*:::::::\n`)
  .join('');

/** `applets`: what `busybox --list` says. */
export function busyboxTree(program: Uint8Array, applets: readonly string[]): PlannedFile[] {
  return [
    ...DIRECTORIES.map((path): PlannedFile => ({ path, type: 'directory' })),
    { path: 'root', type: 'directory', mode: 0o700 },
    { path: 'tmp', type: 'directory', mode: 0o1777 },
    { path: 'var/spool/mail', type: 'directory', mode: 0o1777 },
    { path: 'var/www', type: 'directory' },
    { path: 'bin/busybox', type: 'file', mode: 0o755, content: program },
    ...applets
      .filter((name) => name !== 'busybox' && !name.includes('/'))
      .map((name): PlannedFile => ({ path: `bin/${name}`, type: 'hard-link', target: 'bin/busybox' })),
    { path: 'usr/bin/env', type: 'symlink', target: '../../bin/env' }, // where scripts look for it
    { path: 'etc/passwd', type: 'file', content: PASSWD },
    { path: 'etc/group', type: 'file', content: GROUP },
    { path: 'etc/shadow', type: 'file', mode: 0o640, content: SHADOW },
    { path: 'etc/nsswitch.conf', type: 'file', content: 'passwd: files\ngroup: files\nhosts: files dns\n' },
  ];
}
