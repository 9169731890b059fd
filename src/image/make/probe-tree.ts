/** A root file system around vlab's own static probe program: the smallest that shows everything. Pure. */
import type { PlannedFile } from './planned-tree.js';

export function probeTree(program: Uint8Array): PlannedFile[] {
  return [
    ...['.', 'bin', 'dev', 'etc', 'proc', 'sys'].map((path): PlannedFile => ({ path, type: 'directory' })),
    { path: 'root', type: 'directory', mode: 0o700 },
    { path: 'tmp', type: 'directory', mode: 0o1777 },
    { path: 'probe', type: 'file', mode: 0o755, content: program },
    { path: 'etc/passwd', type: 'file', content: 'root:x:0:0:root:/root:/bin/sh\n' },
    { path: 'etc/group', type: 'file', content: 'root:x:0:\n' },
  ];
}
