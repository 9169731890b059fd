/** A tree with everything that an image can hold. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

export function makeFixtureTree(root: string): void {
  const at = (path: string) => join(root, path);
  const longDirectory = Array.from({ length: 6 }, (_, index) => `${'d'.repeat(40)}${index}`).join('/');
  for (const path of ['etc', 'usr/bin', 'usr/lib', 'tmp', 'dev', 'var/empty', longDirectory]) {
    mkdirSync(at(path), { recursive: true });
  }
  writeFileSync(at('etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(at('etc/shadow'), 'root:*:::::::\n');
  writeFileSync(at('usr/bin/su'), Buffer.alloc(100_000, 'program '));
  writeFileSync(at('usr/bin/ping'), 'ping');
  writeFileSync(at('usr/lib/large'), Buffer.alloc(3_000_000, 'not compressible at all? '));
  writeFileSync(at('etc/empty'), '');
  writeFileSync(at(`${longDirectory}/${'f'.repeat(200)}`), 'long');
  writeFileSync(at('etc/naïve ☃\nname'), 'utf-8');
  execFileSync('sh', ['-c', 'printf bytes > "$(printf "etc/\\377\\376")"'], { cwd: root });
  linkSync(at('usr/bin/su'), at('usr/bin/su-hard'));
  symlinkSync('usr/bin', at('bin'));
  symlinkSync('/nowhere/at/all', at('etc/dangling'));
  linkSync(at('etc/dangling'), at('etc/dangling-hard'));
  execFileSync('mkfifo', [at('var/pipe')]);
  execFileSync('mknod', [at('dev/null'), 'c', '1', '3']);
  execFileSync('mknod', [at('dev/large'), 'b', '259', '70000']);
  const sparse = openSync(at('var/sparse'), 'w');
  for (let index = 1; index < 60; index++) writeSync(sparse, `piece ${index}`, index * 1_000_000);
  ftruncateSync(sparse, 80_000_000);
  closeSync(sparse);
  chownSync(at('etc/shadow'), 0, 42);
  chownSync(at('var/empty'), 1000, 3_000_000);
  chmodSync(at('usr/bin/su'), 0o4755);
  chmodSync(at('etc/shadow'), 0o640);
  chmodSync(at('tmp'), 0o1777);
  chmodSync(at('var'), 0o2775);
  chmodSync(at('var/empty'), 0);
  execFileSync('setfattr', ['-n', 'user.note', '-v', '0x00ff0a', at('etc/passwd')]);
  execFileSync('setfattr', ['-n', 'user.directory', '-v', 'x', at('usr')]);
  execFileSync('setfattr', ['-n', 'trusted.mark', '-v', 'y', at('etc/empty')]);
  // struct vfs_cap_data, version 2: cap_net_raw, permitted and effective
  execFileSync('setfattr', [
    '-n',
    'security.capability',
    '-v',
    '0x0100000200200000000000000000000000000000',
    at('usr/bin/ping'),
  ]);
  let second = 1_500_000_000;
  const age = (path: string) => {
    for (const name of readdirSync(Buffer.from(path, 'latin1'), 'latin1')) {
      const full = join(path, name);
      const bytes = Buffer.from(full, 'latin1');
      if (lstatSync(bytes).isDirectory()) age(full);
      lutimesSync(bytes, second + 0.125, second + 0.125);
      second += 1000;
    }
  };
  age(root);
  lutimesSync(root, second, second);
}
