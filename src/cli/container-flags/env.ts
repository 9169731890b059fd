/** `-e`, `--env-file`, `-l`, `--label-file` (docker-run(1), docker's opts/envfile.go). Pure but for `readText`. */
import { refuse } from '../../engine/define/asked-error.js';
import { recordOf, splitOnce, wrongValue } from './wrong.js';

export interface EnvironmentFlags {
  env?: string[] | undefined;
  'env-file'?: string[] | undefined;
}

/** In order: files first. `NAME` alone takes what `own` has; where it has nothing, the entry stays a name. */
export function readEnvironment(
  flags: EnvironmentFlags,
  own: NodeJS.ProcessEnv,
  readText: (path: string) => string,
): string[] {
  const files = (flags['env-file'] ?? []).flatMap((path) => linesOf(path, readText(path)));
  const given = (flags.env ?? []).map((entry) => {
    if (entry === '' || entry.startsWith('=')) {
      throw wrongValue('--env', entry, `invalid environment variable: ${entry}`);
    }
    return entry;
  });
  return [...files.filter((entry) => entry.includes('=') || own[entry] !== undefined), ...given].map((entry) => {
    if (entry.includes('=')) return entry;
    const value = own[entry];
    return value === undefined ? entry : `${entry}=${value}`;
  });
}

export interface LabelFlags {
  label?: string[] | undefined;
  'label-file'?: string[] | undefined;
}

export function readLabels(flags: LabelFlags, readText: (path: string) => string): Record<string, string> {
  const files = (flags['label-file'] ?? []).flatMap((path) => linesOf(path, readText(path)));
  return recordOf('--label', [...files, ...(flags.label ?? [])], 'label');
}

/** One a line; `#` begins a comment only at its beginning; blanks before a name go. */
function linesOf(path: string, text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name] = splitOnce(line, '=');
      if (name === '') throw refuse(`invalid env file (${path}): no variable name on line '${line}'`);
      if (/\s/.test(name)) throw refuse(`invalid env file (${path}): variable '${name}' contains whitespaces`);
      return line;
    });
}
