import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Administrators' directories, which an ordinary user's PATH often lacks. */
const MORE = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The absolute path of a program on PATH (or in the sbin directories), or undefined. */
export function findProgram(name: string, path: string | undefined = process.env.PATH): string | undefined {
  const directories = [...(path ?? '').split(delimiter), ...MORE].filter(Boolean);
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
