/** Values into control files, as steps. Pure. */
import { join } from 'node:path';
import { flags } from '../../sys/abi.js';
import { type Label, label, type PlanBuilder } from '../../sys/plan.js';
import type { PlacedWrite } from './resource-writes.js';

/** Made once: a plan has dozens of them. */
export const HERE = flags('AT_FDCWD');
export const READ = flags('O_RDONLY', 'O_CLOEXEC');
export const WRITE = flags('O_WRONLY', 'O_CLOEXEC');

export interface WriteOptions {
  /** The JSON path of what asks for it. */
  from?: string;
  /** Where to go on when there is no such file: no failure then. */
  missing?: Label;
  /** Where to go on when it is done, if not at the next step. */
  done?: Label;
}

const SHOWN_CHARACTERS = 50;

/** open, write, close: a control file takes each value in one write. */
export function writeFile(b: PlanBuilder, path: string, values: readonly string[], options: WriteOptions = {}): void {
  const { from, missing, done } = options;
  const fd = b.word('fd');
  const asked = from === undefined ? {} : { from };
  b.step('openat', [HERE, b.str(path), WRITE], `open ${path.split('/').at(-1)}`, {
    result: fd,
    ...asked,
    ...(missing ? { tolerate: ['ENOENT'], jump: missing } : {}),
    ...(from === undefined
      ? {}
      : { hint: 'this kernel has no such file, or the controller is not handed down to here' }),
  });
  for (const value of values) {
    const text = value.trim();
    const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
    b.step('write', [fd, b.str(value), Buffer.byteLength(value)], `set it to ${shown}`, {
      ...asked,
      ...(from === undefined ? {} : { hint: 'the kernel does not take this value here' }),
    });
  }
  b.step('close', [fd], 'done with it', done ? { jump: done, jumpOn: 'zero' } : {});
}

/** The first of the write's files that this kernel has takes the value. */
export function writeResource(b: PlanBuilder, { directory, files, from, optional }: PlacedWrite): void {
  const done = label(`after ${files[0]?.file}`);
  files.forEach(({ file, value }, index) => {
    const last = index === files.length - 1;
    const next = last ? done : label(`${files[index + 1]?.file}`);
    writeFile(b, join(directory.path, file), [value], {
      from,
      ...(last && !optional ? {} : { missing: next }),
      ...(last ? {} : { done }),
    });
    if (!last) b.place(next);
  });
  if (files.length > 1 || optional) b.place(done);
}
