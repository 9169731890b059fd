import { describe, expect, it } from 'vitest';
import { type ExecFlags, readExec } from '../../../../src/cli/container-flags/exec-flags.js';
import { readUpdate } from '../../../../src/cli/container-flags/update-flags.js';

const around = { env: { FROM_ENV: 'yes' }, cwd: '/', readText: () => 'F=1\n' };
const exec = (flags: ExecFlags, ...words: string[]) => readExec(flags, words, around);

describe('exec', () => {
  it('has a container and a command', () => {
    expect(
      exec({ tty: true, env: ['A=1', 'FROM_ENV', 'NOPE'], 'env-file': ['f'], user: 'u' }, 'web', 'ls', '-l'),
    ).toEqual({
      ...{ container: 'web', args: ['ls', '-l'], tty: true, interactive: false, detach: false, privileged: false },
      ...{ env: ['F=1', 'A=1', 'FROM_ENV=yes'], user: 'u' },
    });
  });

  it.each([
    [{}, ['web'], 'no container or no command'],
    [{ workdir: 'x' }, ['web', 'ls'], "the working directory 'x' is invalid"],
  ])('%j %j is refused', (flags, words, message) => {
    expect(() => exec(flags, ...words)).toThrow(message);
  });
});

describe('update', () => {
  it('has only what was asked for', () => {
    expect(readUpdate({ memory: '64m', cpus: '.5', restart: 'on-failure:2', 'pids-limit': '-1' })).toEqual({
      resources: { memoryBytes: 64 * 1024 ** 2, nanoCpus: 5e8, pidsLimit: -1 },
      restart: { name: 'on-failure', maximumRetryCount: 2 },
    });
  });

  it('of nothing is refused', () => {
    expect(() => readUpdate({})).toThrow('you must provide one or more flags');
  });
});
