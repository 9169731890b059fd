// Containers of somebody who is not root, by vlab-oci: with ranges of ids that newuidmap and newgidmap write, and with the one id
// of one's own. Needs root (to become nobody, with ranges in a mount namespace), uidmap, and dist/ (npm test builds it).
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { isRoot, needs } from '../../skips.js';
import { Bundle, type CallOptions, type Change, fieldsOf } from './oci-bundle.js';

const NOBODY = 65534;
let bundle: Bundle;
let asNobody: CallOptions;
beforeAll(async () => {
  bundle = await Bundle.make();
  if (!isRoot) return;
  const home = join(bundle.dir, 'home');
  const ranges = join(bundle.dir, 'ranges');
  mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 });
  writeFileSync(ranges, 'nobody:200000:65536\n');
  for (const path of [bundle.dir, home, join(home, 'run')]) chownSync(path, NOBODY, NOBODY);
  const mounts = 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid';
  const become = `exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups "$@"`;
  asNobody = {
    wrapper: ['unshare', '--mount', 'sh', '-c', `${mounts} && ${become}`, ranges],
    env: {
      VLAB_RUN_DIR: join(home, 'run'),
      VLAB_CACHE_DIR: join(home, 'cache'),
      HOME: home,
      XDG_RUNTIME_DIR: undefined,
    },
  };
});
beforeEach((context) => {
  needs(context, 'root', isRoot);
  needs(context, 'uidmap', findProgram('newuidmap') !== undefined);
});
afterAll(() => bundle[Symbol.dispose]());

const own = { containerID: 0, hostID: NOBODY, size: 1 };
const mapped =
  (mappings: object[], more: Change = () => {}): Change =>
  (config) => {
    config.linux.namespaces.push({ type: 'user' });
    Object.assign(config.linux, { uidMappings: mappings, gidMappings: mappings });
    more(config);
  };
const withRanges = (more?: Change) => mapped([own, { containerID: 1, hostID: 200000, size: 65536 }], more);
const status = async (change: Change) => fieldsOf(await bundle.output(['cat', '/proc/self/status'], change, asNobody));

describe('without root', () => {
  it('ranges of ids are mapped by the helpers', async () => {
    const map = (await bundle.output(['cat', '/proc/self/uid_map'], withRanges(), asNobody)).trim().split(/\s+/);
    expect(map.map(Number)).toEqual([0, NOBODY, 1, 1, 200000, 65536]);
  });

  it('the program may be any user of them, with groups, limits and a score of its own', async () => {
    const change = withRanges(({ process }) => {
      process.user = { uid: 1000, gid: 1000, additionalGids: [5] };
      process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 30, hard: 40 }];
      process.oomScoreAdj = 500;
    });
    const seen = await status(change);
    expect([seen.Uid?.split('\t')[0], seen.Gid?.split('\t')[0], seen.Groups]).toEqual(['1000', '1000', '5']);
    expect(await bundle.output(['cat', '/proc/self/oom_score_adj'], change, asNobody)).toBe('500');
  });

  it('clocks are set apart, with ranges and with one id', async () => {
    for (const mappings of [[own], [own, { containerID: 1, hostID: 200000, size: 10 }]]) {
      const change = mapped(mappings, ({ linux }) => {
        linux.namespaces.push({ type: 'time' });
        linux.timeOffsets = { boottime: { secs: 10_000_000 } };
      });
      expect(Number((await bundle.output(['cat', '/proc/uptime'], change, asNobody)).split(' ')[0])).toBeGreaterThan(
        1e7,
      );
    }
  });

  it('ranges that are not the user’s are refused, by the path', async () => {
    const change = mapped([own, { containerID: 1, hostID: 5, size: 10 }]);
    expect(await bundle.refusal(change, asNobody)).toMatch(/linux\.uidMappings was refused: newuidmap: .*not allowed/);
  });

  it('groups cannot be had with one id', async () => {
    const change = mapped([own], ({ process }) => {
      process.user = { uid: 0, gid: 0, additionalGids: [0] };
    });
    expect(await bundle.refusal(change, asNobody)).toContain('process.user.additionalGids cannot be set');
  });

  it.each([
    ['ranges', withRanges(), '1000'],
    ['one id', mapped([own]), '0'],
  ])('further programs join it, with %s', async (_, change, user) => {
    await bundle.running(
      change,
      async ({ id }) => {
        const inside = (...words: string[]) =>
          bundle.call(['exec', '--user', `${user}:${user}`, id, '/probe', ...words], asNobody);
        expect((await inside('ids')).stdout).toMatch(new RegExp(`^\\d+ 0 ${user} ${user}\\n$`));
        expect((await inside('cat', '/proc/1/cmdline')).stdout).toContain('/probe\0sleep');
      },
      asNobody,
    );
  });
});
