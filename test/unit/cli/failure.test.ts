import { Errors } from '@oclif/core';
import { describe, expect, it } from 'vitest';
import { VlabError } from '../../../src/base/errors.js';
import { describeFailure, exitRequest, failureJson, renderFailure } from '../../../src/cli/failure.js';

const plain = (text: string) => text;

describe('an error of vlab', () => {
  const error = new VlabError('operation', 'mount /x failed: EBUSY', {
    hint: 'unmount it first',
    cause: new Error('step 4', { cause: new Error('deepest') }),
  });

  it('keeps what failed, why, and what to do', () => {
    expect(renderFailure(describeFailure(error), plain)).toBe(
      'error: mount /x failed: EBUSY\n  because: step 4\n  because: deepest\nhint: unmount it first',
    );
  });

  it('has an exit code by who is to blame, or its own', () => {
    const codeOf = (thrown: unknown) => describeFailure(thrown).exitCode;
    expect(codeOf(error)).toBe(1);
    expect(codeOf(new VlabError('input', 'x'))).toBe(2);
    expect(codeOf(new VlabError('host', 'x'))).toBe(77);
    expect(codeOf(new VlabError('input', 'x', { exitCode: 127 }))).toBe(127);
  });

  it('does not repeat a cause that the message quotes already', () => {
    const quoting = new VlabError('host', 'no cc: not found', { cause: new Error('not found') });
    expect(describeFailure(quoting).causes).toEqual([]);
  });

  it('is a small document under --json', () => {
    expect(JSON.parse(JSON.stringify(failureJson(describeFailure(new VlabError('host', 'x', { hint: 'y' })))))).toEqual(
      {
        error: { blame: 'host', message: 'x', hint: 'y', causes: [], exitCode: 77 },
      },
    );
  });
});

it("takes oclif's errors for usage errors", () => {
  const failure = describeFailure(new Errors.CLIError('Nonexistent flag: --zip\nSee more help with --help'));
  expect(failure).toEqual({
    blame: 'input',
    message: 'Nonexistent flag: --zip',
    hint: 'see it with --help',
    causes: [],
    exitCode: 2,
  });
});

it('keeps the stack of a bug', () => {
  const failure = describeFailure(new TypeError('x is not a function'));
  expect(failure.exitCode).toBe(70);
  expect(renderFailure(failure, plain)).toMatch(/^bug: TypeError: x is not a function\n +at [\s\S]*Please report/);
  expect(describeFailure('a string').message).toBe('a string');
});

it('knows a wish to end from a failure', () => {
  expect(exitRequest(new Errors.ExitError(3))).toBe(3);
  expect(exitRequest(new Errors.ExitError(0))).toBe(0);
  expect(exitRequest(new Error('x'))).toBeUndefined();
});
