// What killed commands leave of storage: nothing that counts, and nothing after the next command. Full disks. Needs root, and dist/.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/stats/random.js';
import { isFullRun, isRoot, needs } from '../../skips.js';
import { BIN } from '../container/vlab-run.js';
import { putBusybox } from './layers-for-tests.js';

let folder: string;
let env: NodeJS.ProcessEnv;
let archive: string;
beforeEach((context) => {
  needs(context, 'root', isRoot);
  folder = mkdtempSync(join(tmpdir(), 'vlab-sf-'));
  env = { ...process.env, VLAB_DATA_DIR: join(folder, 'data'), VLAB_RUN_DIR: join(folder, 'run') };
  delete env.NODE_EXTRA_CA_CERTS;
  const tree = join(folder, 'tree');
  putBusybox(tree);
  for (let index = 0; index < 2000; index++) {
    mkdirSync(join(tree, 'many', String(index % 50)), { recursive: true });
    writeFileSync(join(tree, 'many', String(index % 50), String(index)), 'x'.repeat(1000));
  }
  archive = join(folder, 'tree.tar');
  execFileSync('tar', ['-C', tree, '-cf', archive, '.']);
});
afterEach(() => rmSync(folder, { recursive: true }));

const COMMAND = ['/bin/sh', '-c', ':'];

const vlab = (...words: string[]) => spawnSync(process.execPath, [BIN, ...words], { env, encoding: 'utf8' });
const must = (...words: string[]) => {
  const { status, stdout, stderr } = vlab(...words);
  expect(status, `${words.join(' ')}: ${stderr}`).toBe(0);
  return stdout.trim();
};
const named = (place: string) =>
  readdirSync(join(folder, 'data', place)).filter((name) => !/^(\.?lock|names)/.test(name));

describe('a command that is killed', () => {
  it('while it unpacks an image and makes a container leaves nothing behind the next one', async () => {
    must('import', archive, 'many:1');
    const random = seededRandom(7);
    const mounts = readFileSync('/proc/self/mounts', 'utf8');
    const rounds = isFullRun ? 60 : 5;
    for (let round = 0; round < rounds; round++) {
      const killed = spawn(
        process.execPath,
        [BIN, 'create', '-v', 'vol:/many', '--network', 'none', 'many:1', ...COMMAND],
        {
          env,
          stdio: 'ignore',
        },
      );
      const exit = once(killed, 'exit');
      await Promise.race([sleep(100 + random.below(600)), exit]);
      killed.kill('SIGKILL');
      await exit;
      const id = must('create', '-v', 'vol:/many', '--network', 'none', 'many:1', ...COMMAND);
      expect(must('start', '-a', id)).toBe('');
      for (const one of must('ps', '-aq').split('\n').filter(Boolean)) must('rm', '-f', one);
      must('volume', 'rm', 'vol');
      if (round % 2 === 0) must('rmi', 'many:1');
      if (round % 2 === 0) must('import', archive, 'many:1');
    }
    must('rmi', 'many:1');
    must('image', 'prune', '-af');
    expect({ snapshots: named('snapshots'), containers: named('containers'), volumes: named('volumes') }).toEqual({
      snapshots: [],
      containers: [],
      volumes: [],
    });
    expect(readFileSync('/proc/self/mounts', 'utf8')).toBe(mounts);
  });
});

describe('two commands at once', () => {
  it('unpack one image once, and both have their container', async () => {
    must('import', archive, 'many:1');
    const both = [1, 2, 3].map(() =>
      spawn(
        process.execPath,
        [BIN, 'run', '--network', 'none', '--rm', 'many:1', '/bin/sh', '-c', 'test -e /many/1/1'],
        { env, stdio: ['ignore', 'ignore', 'inherit'] },
      ),
    );
    const codes = await Promise.all(both.map(async (one) => (await once(one, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0]);
    expect(named('snapshots').filter((name) => !name.endsWith('lock'))).toHaveLength(1);
  });
});

describe('a full disk', () => {
  it('is told, and leaves nothing of what did not fit', () => {
    // A mount namespace of its own for all of it: the tmpfs goes with it. dd is to fail, for the disk is full then; ls may find no
    // directory, where nothing was made: what it lists is compared.
    const script = `set -e
      mkdir -p "$D/data"; mount -t tmpfs -o size=4m tmpfs "$D/data"
      "$N" "$B" import "$A" many:1 2>&1 || echo "import: $?"
      dd if=/dev/zero of="$D/data/filler" bs=64k 2>/dev/null || true
      "$N" "$B" create --network none many:1 /bin/sh 2>&1 || echo "create: $?"
      ls -A "$D/data/snapshots" "$D/data/containers" 2>/dev/null || true`;
    const small = join(folder, 'small.tar');
    execFileSync('tar', [
      '-C',
      join(folder, 'tree'),
      '-cf',
      small,
      './many/1',
      './many/2',
      './many/3',
      './many/4',
      './bin',
    ]);
    const ran = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
      env: { ...env, D: folder, N: process.execPath, B: BIN, A: small },
      encoding: 'utf8',
    });
    expect(ran.stdout).toMatch(/no space|ENOSPC/i);
    expect(ran.stdout).toMatch(/create: \d+/);
    expect(ran.stdout).not.toMatch(/partial|going/);
    expect(existsSync(join(folder, 'data/snapshots'))).toBe(false);
  });
});
