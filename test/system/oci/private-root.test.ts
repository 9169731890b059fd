// Where a user without a run-time directory keeps states: in a directory of a known name in /tmp, which somebody else may have made
// before. Whoever could exchange what is in it would say what vlab-oci runs. Needs root, to be two users, and dist/.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRoot, needs } from '../../skips.js';

const VLAB_OCI = resolve(import.meta.dirname, '../../../bin/vlab-oci.cjs');
/** Nobody's. */
const [USER, OTHER] = [54_321, 54_322];
const place = `/tmp/vlab-${USER}`;
const remove = () => rmSync(place, { recursive: true, force: true });

beforeEach((context) => {
  needs(context, 'root', isRoot);
  if (existsSync(place)) throw new Error(`${place} is there: somebody has that user id`);
});
afterEach(remove);

function list() {
  const as = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
  const { status, stderr } = spawnSync('setpriv', [...as, process.execPath, VLAB_OCI, 'list'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  return { status, stderr };
}

describe('without XDG_RUNTIME_DIR', () => {
  it('it is made for that user alone', () => {
    expect(list()).toEqual({ status: 0, stderr: '' });
    const { mode, uid } = lstatSync(place);
    expect([mode & 0o7777, uid]).toEqual([0o700, USER]);
    expect(list().status).toBe(0);
  });

  it("another's is refused, however open it is", () => {
    mkdirSync(place);
    chmodSync(place, 0o777);
    chownSync(place, OTHER, OTHER);
    expect(list()).toEqual({ status: 1, stderr: expect.stringContaining(`${place} is not private`) });
  });

  it("one's own that others may enter is refused", () => {
    mkdirSync(place);
    chmodSync(place, 0o755);
    chownSync(place, USER, USER);
    expect(list()).toEqual({ status: 1, stderr: expect.stringContaining(`${place} is not private`) });
  });

  it("another's link is refused, even to a private directory: it may lead elsewhere the next time", () => {
    const target = mkdtempSync(join(tmpdir(), 'vlab-private-'));
    try {
      chownSync(target, USER, USER);
      symlinkSync(target, place);
      spawnSync('chown', ['--no-dereference', `${OTHER}`, place]);
      expect(list().status).toBe(1);
    } finally {
      rmSync(target, { recursive: true });
    }
  });
});
