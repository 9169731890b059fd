/** /proc/PID/mountinfo (proc_pid_mountinfo(5)) as values. Pure. */
export interface MountEntry {
  id: number;
  parent: number;
  /** `8:1` */
  device: string;
  /** The directory of the file system that is mounted. */
  root: string;
  /** Where, as its reader sees it. */
  at: string;
  type: string;
}

export function parseMountinfo(text: string): MountEntry[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [id, parent, device = '', root = '', at = '', , ...more] = line.split(' ');
      const type = more[more.indexOf('-') + 1] ?? '';
      return { id: Number(id), parent: Number(parent), device, root: unescaped(root), at: unescaped(at), type };
    });
}

/** Blanks and backslashes are written in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
