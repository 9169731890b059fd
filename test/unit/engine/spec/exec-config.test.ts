import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../../../../src/container/config/capabilities.js';
import type { ExecRequest } from '../../../../src/engine/define/exec-request.js';
import { execConfigOf } from '../../../../src/engine/spec/exec-config.js';
import { ociConfigOf } from '../../../../src/engine/spec/oci-config.js';
import { define, facts } from './definitions.js';

const ROOT = { uid: 0, gid: 0, additionalGids: [0], home: '/root' };
const WWW = { uid: 33, gid: 33, additionalGids: [33], home: '/var/www' };
const config = ociConfigOf(define({ env: ['A=1'], cwd: '/srv', tty: true }).definition, facts());
const exec = (more: Partial<ExecRequest> = {}, user = ROOT) =>
  execConfigOf(
    config,
    { args: ['ps'], tty: false, interactive: false, detach: false, env: [], privileged: false, ...more },
    user,
  );

describe('a further process', () => {
  it('is as the first one, with its own words and terminal', () => {
    const { process } = exec();
    expect(process).toMatchObject({ args: ['ps'], cwd: '/srv', capabilities: config.process.capabilities });
    expect([process.terminal, process.env]).toEqual([undefined, config.process.env]);
    expect(exec({ tty: true, cwd: '/x' }).process).toMatchObject({ terminal: true, cwd: '/x' });
  });

  it('has its own variables over the container’s', () => {
    expect(exec({ env: ['A=2', 'B=3'] }).process.env).toEqual(expect.arrayContaining(['A=2', 'B=3', 'HOME=/root']));
    expect(exec({ env: ['A=2'] }).process.env).not.toContain('A=1');
  });

  it('of another user has their home, and no capabilities but the bounding set', () => {
    const { process } = exec({ user: 'www' }, WWW);
    expect(process.user).toMatchObject({ uid: 33, gid: 33, additionalGids: [33] });
    expect(process.env).toContain('HOME=/var/www');
    expect(process.capabilities).toMatchObject({ effective: [], bounding: config.process.capabilities?.bounding });
  });

  it('with all privileges has every capability and system call', () => {
    const { process, linux } = exec({ privileged: true });
    expect([process.capabilities?.effective, linux.seccomp]).toEqual([[...CAPABILITIES], undefined]);
  });
});
