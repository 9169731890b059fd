/** An image comes from a registry on loopback. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../../src/base/errors.js';
import { findProgram } from '../../src/base/find-program.js';
import { seededRandom, shuffle } from '../../src/stats/random.js';
import { pairedRatio } from '../../src/stats/ratio.js';
import { median, milliseconds, ratioCell } from '../containers/cells.js';
import { ask, type EngineContext, type MeasureEngine, of, roomEnvironment } from './tools.js';
import { MANY, makeMany } from './unpack.js';

/** The room's own loopback: nobody else is there. */
const ADDRESS = '127.0.0.1:5000';
const WHOLE_ROUNDS = 7;

export const copying: MeasureEngine = async (context) => {
  const { scratchDir, seed, sizes, timer, vlab } = context;
  if (!existsSync(join(scratchDir, 'many.tar.gz'))) makeMany(context);
  await using _registry = await startRegistry(context);
  const name = `${ADDRESS}/${MANY}:1`;
  ask(of(vlab, 'tag', MANY, name));
  ask(of(vlab, 'push', '-q', name));
  const copied = join(scratchDir, 'copied');
  const skopeo = findProgram('skopeo');
  const env = roomEnvironment();
  const arms: Record<string, () => Promise<number>> = {
    'vlab pull': async () => {
      ask(of(vlab, 'rmi', name, MANY));
      return timer.time(vlab, ['pull', '-q', name]);
    },
    ...(skopeo
      ? {
          'skopeo copy': () =>
            timer.time({ name: 'skopeo', path: skopeo, words: [], env }, [
              ...['copy', '-q', '--src-tls-verify=false', `docker://${name}`, `oci:${copied}:1`],
            ]),
        }
      : {}),
  };
  const times = new Map(Object.keys(arms).map((arm) => [arm, [] as number[]]));
  const random = seededRandom(seed, 'copying');
  const rounds = Math.max(3, Math.min(WHOLE_ROUNDS, sizes.rounds));
  for (let round = -1; round < rounds; round++) {
    for (const [arm, timed] of shuffle(Object.entries(arms), random)) {
      const ns = await timed();
      if (arm === 'vlab pull') ask(of(vlab, 'tag', name, MANY));
      rmSync(copied, { recursive: true, force: true });
      if (round >= 0) times.get(arm)?.push(ns);
    }
  }
  const values = (arm: string) => times.get(arm) ?? [];
  const ratio = pairedRatio(values('vlab pull'), values('skopeo copy'), seededRandom(seed, 'copying'));
  return {
    title: 'An image is pulled from a registry on loopback',
    how: `docker-registry without TLS; the image of the layer above goes into a store that has nothing of it: \`vlab pull\` and \`skopeo copy docker://… oci:…\`, whole commands, ${rounds} rounds in random order.`,
    head: ['command', 'median', 'ratio to skopeo (95 %)'],
    rows: Object.keys(arms).map((arm) => [
      ...[arm, milliseconds(median(values(arm))), arm === 'vlab pull' && skopeo ? ratioCell(ratio) : ''],
    ]),
    values: Object.fromEntries(times),
    promises: [],
  };
};

async function startRegistry({ scratchDir }: EngineContext): Promise<AsyncDisposable> {
  const path = findProgram('docker-registry');
  if (!path)
    throw new VlabError('host', 'this part needs docker-registry', { hint: 'apt-get install docker-registry' });
  const [data, settings] = [join(scratchDir, 'registry'), join(scratchDir, 'registry.yml')];
  mkdirSync(data);
  const document = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: data } },
    http: { addr: ADDRESS },
  };
  writeFileSync(settings, JSON.stringify(document)); // JSON is YAML
  const child = spawn(path, ['serve', settings], { stdio: 'ignore' });
  const [host = '', port = ''] = ADDRESS.split(':');
  for (const end = Date.now() + 10_000; ; await sleep(20)) {
    const socket = createConnection(Number(port), host);
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isThere) break;
    if (Date.now() > end) throw new VlabError('operation', 'docker-registry does not answer');
  }
  return {
    async [Symbol.asyncDispose]() {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
