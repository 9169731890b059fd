/** Two trees are the same when their lists are: every property of every file that an image can hold. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface ListOptions {
  /** Names whose times are not compared: those that no entry of the archive describes. */
  withoutTime?: readonly string[];
  withoutXattrs?: RegExp;
}

/** A line for each file, sorted; hard links are named by the first of their names. */
export function listTree(root: string, options: ListOptions = {}): string[] {
  const xattrs = xattrsOf(root, options.withoutXattrs);
  const firstNames = new Map<string, string>();
  const lines: string[] = [];
  const visit = (path: string) => {
    const full = Buffer.from(join(root, path), 'latin1'); // names are bytes
    const stat = lstatSync(full, { bigint: true });
    const identity = `${stat.dev}:${stat.ino}`;
    const first = stat.isDirectory() ? path : (firstNames.get(identity) ?? path);
    firstNames.set(identity, first);
    const content = stat.isFile() ? createHash('sha256').update(readFileSync(full)).digest('hex').slice(0, 16) : '';
    const parts = [
      path,
      stat.mode.toString(8),
      `${stat.uid}:${stat.gid}`,
      stat.isDirectory() ? '' : stat.size,
      options.withoutTime?.includes(path) ? '' : stat.mtimeNs,
      stat.isCharacterDevice() || stat.isBlockDevice() ? stat.rdev : '',
      stat.isSymbolicLink() ? readlinkSync(full, 'latin1') : '',
      content,
      first === path ? '' : `= ${first}`,
      xattrs.get(path) ?? '',
    ];
    lines.push(parts.join('|'));
    if (stat.isDirectory())
      for (const name of readdirSync(full, 'latin1').sort()) visit(path === '.' ? name : join(path, name));
  };
  visit('.');
  return lines;
}

function xattrsOf(root: string, without?: RegExp): Map<string, string> {
  const words = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'];
  const text = execFileSync('getfattr', words, { cwd: root, encoding: 'latin1', maxBuffer: 1 << 28, stdio: 'pipe' });
  const found = new Map<string, string>();
  for (const part of text.split('\n\n')) {
    const [head = '', ...rest] = part.split('\n');
    const kept = rest.filter((line) => line !== '' && !without?.test(line)).sort();
    if (head.startsWith('# file: ') && kept.length > 0) found.set(head.slice(8), kept.join(','));
  }
  return found;
}
