import { describe, expect, it } from 'vitest';
import { type Check, type Checked, judge, runChecks } from '../../../src/cli/doctor/check.js';
import { userNamespaceMend } from '../../../src/cli/doctor/host-checks.js';
import { renderChecked, renderVerdict } from '../../../src/cli/doctor/render-checks.js';

const check: Check = { id: 'a.b', title: 'thing', needed: true, try: () => ({ works: true, detail: 'seen' }) };

describe('a check', () => {
  it('is ok when it works, fails when it is needed, and is a note otherwise', () => {
    const broken = { works: false, detail: 'EPERM', mend: 'do this' };
    expect(judge(check, { works: true, detail: 'seen', mend: 'never shown' })).toEqual({
      id: 'a.b',
      title: 'thing',
      status: 'ok',
      detail: 'seen',
    });
    expect(judge(check, broken)).toMatchObject({ status: 'fail', mend: 'do this' });
    expect(judge({ ...check, needed: false }, broken)).toMatchObject({ status: 'note', detail: 'EPERM' });
  });

  it('that throws has not worked, and the others still run', async () => {
    const seen: string[] = [];
    const thrower: Check = {
      ...check,
      id: 'thrower',
      try: () => {
        throw Object.assign(new Error('no such thing'), { hint: 'install it' });
      },
    };
    const all = await runChecks([thrower, check], (checked) => seen.push(checked.id));
    expect(seen).toEqual(['thrower', 'a.b']);
    expect(all[0]).toEqual({
      id: 'thrower',
      title: 'thing',
      status: 'fail',
      detail: 'no such thing',
      mend: 'install it',
    });
    expect(all[1]?.status).toBe('ok');
  });
});

describe('what is printed', () => {
  const failed: Checked = { id: 'x', title: 'thing', status: 'fail', detail: 'EPERM', mend: 'sudo sysctl -w x=1' };

  it('gives one line, and one to mend it', () => {
    expect(renderChecked(failed, false)).toBe(`✗ ${'thing'.padEnd(34)} EPERM\n  mend: sudo sysctl -w x=1`);
    expect(renderChecked(failed, true)).toContain('\u001b[31m✗\u001b[0m');
  });

  it('ends with what it means', () => {
    const ok: Checked = { id: 'y', title: 'thing', status: 'ok', detail: '' };
    expect(renderVerdict([failed, ok])).toContain('1 of 2 checks failed');
    expect(renderVerdict([ok, { ...ok, status: 'note' }])).toContain('vlab can work here; 1 of 2');
    expect(renderVerdict([ok])).toBe('All 1 checks passed.');
  });
});

it('mends user namespaces by the setting that this kernel has', () => {
  expect(userNamespaceMend((path) => path.includes('apparmor'))).toContain('apparmor_restrict');
  expect(userNamespaceMend((path) => path.includes('max_user'))).toBe('sudo sysctl -w user.max_user_namespaces=15000');
  expect(userNamespaceMend(() => false)).toBe('boot a kernel with CONFIG_USER_NS');
});
