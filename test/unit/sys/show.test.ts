import { describe, expect, it } from 'vitest';
import { PlanFailure } from '../../../src/sys/channel.js';
import { planToJson, showCall, showPlan, showResult } from '../../../src/sys/show.js';
import { everythingPlan, notePlan } from './example-plans.js';

describe('showPlan', () => {
  it('prints one readable line a step, with its reason and where it goes', async () => {
    await expect(showPlan(everythingPlan('x86_64'))).toMatchFileSnapshot('golden/everything-shown.txt');
  });

  it('names the constants of an architecture alike', () => {
    expect(showPlan(everythingPlan('aarch64'))).toBe(showPlan(everythingPlan('x86_64')));
  });

  it('is data with --json', async () => {
    const json = JSON.parse(JSON.stringify(planToJson(everythingPlan('x86_64'))));
    await expect(`${JSON.stringify(json, null, 1)}\n`).toMatchFileSnapshot('golden/everything-json.txt');
  });
});

describe('showCall and showResult', () => {
  it('show numbers as people write them', () => {
    const [open, dup] = notePlan().steps;
    expect(open && showCall(open)).toBe('openat(AT_FDCWD, "/note", O_RDONLY|O_CLOEXEC) → note');
    expect(dup && showCall(dup)).toBe('dup3(note, 0, 0)');
  });

  it.each([
    [-2n, 'ENOENT'],
    [-4095n, 'errno 4095'],
    [-4096n, 'result -4096'],
    [0n, 'result 0'],
    [7n, 'result 7'],
  ])('%s is %s', (result, shown) => {
    expect(showResult(result)).toBe(shown);
  });
});

describe('PlanFailure', () => {
  it('names the step: its call, its arguments, its purpose, and what to do', () => {
    const failure = new PlanFailure(everythingPlan('x86_64'), 6, -8n);
    expect(failure.message).toBe('could not never returns: step 6, execve("x", argv, envp): ENOEXEC');
    expect(failure.hint).toBe('look there');
    expect(failure.errno).toBe('ENOEXEC');
    expect(failure.blame).toBe('operation');
  });

  it('says which result was not accepted, and points at --show-plan when the step has no hint of its own', () => {
    const failure = new PlanFailure(everythingPlan('x86_64'), 2, 0n);
    expect(failure.message).toContain('step 2, read(pair[0], byte, 1) → outcome: result 0');
    expect(failure.hint).toContain('--show-plan');
    expect(failure.errno).toBeUndefined();
  });
});
