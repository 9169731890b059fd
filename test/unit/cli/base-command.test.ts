import { Args, Config, Flags } from '@oclif/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VlabError } from '../../../src/base/errors.js';
import { BaseCommand } from '../../../src/cli/base-command.js';

class Sample extends BaseCommand {
  static override tail: 'none' | 'dashes' | 'first-positional' = 'none';
  static override args = { file: Args.string() };
  static override flags = {
    only: Flags.string({ multiple: true, delimiter: ',' }),
    fail: Flags.boolean(),
    bug: Flags.boolean(),
  };

  override logJson(json: unknown): void {
    printed.push(JSON.stringify(json));
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Sample);
    if (flags.fail) throw new VlabError('host', 'no such thing here', { hint: 'install it' });
    if (flags.bug) throw new TypeError('x is not a function');
    return { file: args.file, only: flags.only, tail: this.tail };
  }
}

class WithTail extends Sample {
  static override tail = 'first-positional' as const;
}

class Docker extends Sample {
  static override failureExitCode = 125;
}

class Bare extends Config {
  override async runHook(): Promise<never> {
    return { successes: [], failures: [] } as never;
  }
}

let printed: string[] = [];
let exitCode: typeof process.exitCode;

beforeEach(() => {
  printed = [];
  exitCode = process.exitCode;
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = exitCode;
});

function runSample(command: typeof Sample, ...words: string[]): Promise<unknown> {
  const config = new Bare({ root: '/' });
  Object.assign(config, { pjson: { oclif: {} }, bin: 'vlab', name: 'vlab' });
  command.id = 'sample';
  return (new command(words, config) as unknown as { _run(): Promise<unknown> })._run();
}

describe('words', () => {
  it('a flag for several values takes one word, so that the file is the file', async () => {
    expect(await runSample(Sample, '--only', 'a,b', 'FILE')).toEqual({ file: 'FILE', only: ['a', 'b'], tail: [] });
  });

  it('a missing argument is not read from standard input', async () => {
    const read = vi.spyOn(process.stdin, 'on');
    expect(await runSample(Sample)).toEqual({ file: undefined, only: undefined, tail: [] });
    expect(read).not.toHaveBeenCalled();
  });

  it('the program keeps its flags, --json among them', async () => {
    expect(await runSample(WithTail, '--only', 'a', 'ls', '--json', 'x', 'ls')).toMatchObject({
      tail: ['ls', '--json', 'x', 'ls'],
    });
    expect(printed).toEqual([]);
  });
});

describe('--json', () => {
  it('prints what run returns, as one document', async () => {
    await runSample(Sample, '--json', 'F');
    expect(JSON.parse(printed.join(''))).toEqual({ file: 'F', tail: [] });
  });

  it('prints a failure the same way and sets the exit code', async () => {
    await runSample(Sample, '--json', '--fail');
    expect(JSON.parse(printed.join(''))).toEqual({
      error: { blame: 'host', message: 'no such thing here', hint: 'install it', causes: [], exitCode: 77 },
    });
    expect(process.exitCode).toBe(77);
  });

  it('tells a bug with its stack', async () => {
    await runSample(Sample, '--json', '--bug');
    const { error } = JSON.parse(printed.join('')) as { error: { blame: string; stack: string } };
    expect(error.blame).toBe('bug');
    expect(error.stack).toContain('x is not a function');
    expect(process.exitCode).toBe(70);
  });

  it('is absent: the failure goes on to whoever prints it', async () => {
    await expect(runSample(Sample, '--fail')).rejects.toThrow('no such thing here');
    expect(printed).toEqual([]);
  });
});

describe('a command with an exit code of its own for failures', () => {
  it('ends with it, whoever has failed', async () => {
    await expect(runSample(Docker, '--fail')).rejects.toMatchObject({ message: 'no such thing here', exitCode: 125 });
    await expect(runSample(Docker, '--no-such')).rejects.toMatchObject({ blame: 'input', exitCode: 125 });
    await expect(runSample(Docker, '--only')).rejects.toMatchObject({ exitCode: 125 });
    await runSample(Docker, '--json', '--fail');
    expect(process.exitCode).toBe(125);
  });

  it('but not a bug', async () => {
    await expect(runSample(Docker, '--bug')).rejects.toBeInstanceOf(TypeError);
  });
});
