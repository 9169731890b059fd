/** A layer of many small files is unpacked. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../src/base/find-program.js';
import { dataDir } from '../../src/base/paths.js';
import { openImageStore } from '../../src/image/store/image-store.js';
import { seededRandom, shuffle } from '../../src/stats/random.js';
import { pairedRatio } from '../../src/stats/ratio.js';
import { ensureSnapshots } from '../../src/storage/snapshots.js';
import { median, milliseconds, ratioCell } from '../containers/cells.js';
import type { Runtime } from '../containers/runtimes.js';
import { ratioPromise } from './promised.js';
import { ask, type EngineContext, type MeasureEngine, of, roomEnvironment } from './tools.js';

export const MANY = 'many';
const FILES_IN_ONE = 100;
const MOST_BYTES = 6000;

/** The image `many`, made once: files of half random bytes, so that they are packed to about a half. Returns its layer as .tar.gz. */
export function makeMany({ scratchDir, sizes, vlab, seed }: EngineContext): string {
  const archive = join(scratchDir, 'many.tar.gz');
  const root = join(scratchDir, 'many');
  const random = seededRandom(seed, 'files');
  const bytes = Buffer.from(Uint8Array.from({ length: 4 * MOST_BYTES }, () => random.below(256)));
  for (let file = 0; file < sizes.files; file++) {
    const folder = join(root, `d${Math.floor(file / FILES_IN_ONE)}`);
    if (file % FILES_IN_ONE === 0) mkdirSync(folder, { recursive: true });
    const length = random.below(MOST_BYTES / 2);
    const from = random.below(2 * MOST_BYTES);
    writeFileSync(join(folder, `f${file}`), Buffer.concat([bytes.subarray(from, from + length), Buffer.alloc(length)]));
  }
  ask(['tar', '-C', root, '-czf', archive, '.']);
  rmSync(root, { recursive: true });
  ask(of(vlab, 'import', archive, MANY));
  return archive;
}

export const unpack: MeasureEngine = async (context) => {
  const { timer, seed, sizes, scratchDir } = context;
  const archive = makeMany(context);
  const store = await openImageStore();
  const image = await store.get(MANY);
  const env = roomEnvironment();
  const program = (name: string): Runtime | undefined => {
    const path = findProgram(name);
    return path ? { name, path, words: [], env } : undefined;
  };
  const into = join(scratchDir, 'into');
  const layout = join(scratchDir, 'many-layout');
  const tar = program('tar');
  const umoci = findProgram('skopeo') ? program('umoci') : undefined;
  // umoci takes no names with colons.
  if (umoci)
    ask([
      'skopeo',
      'copy',
      '-q',
      `oci:${join(dataDir(), 'images')}:docker.io/library/${MANY}:latest`,
      `oci:${layout}:${MANY}`,
    ]);
  const arms: Record<string, () => Promise<number>> = {
    vlab: async () => {
      const began = process.hrtime.bigint();
      await ensureSnapshots({ image, blobs: store.blobs });
      return Number(process.hrtime.bigint() - began);
    },
    ...(tar ? { 'GNU tar -xzf': () => timer.time(tar, ['-C', into, '-xzf', archive]) } : {}),
    ...(umoci
      ? { umoci: () => timer.time(umoci, ['raw', 'unpack', '--image', `${layout}:${MANY}`, join(into, 'u')]) }
      : {}),
  };
  const times = new Map(Object.keys(arms).map((name) => [name, [] as number[]]));
  const random = seededRandom(seed, 'unpack');
  const rounds = Math.max(3, Math.min(7, sizes.rounds));
  for (let round = -1; round < rounds; round++) {
    for (const [name, once] of shuffle(Object.entries(arms), random)) {
      mkdirSync(into);
      const ns = await once();
      for (const path of [into, join(dataDir(), 'snapshots')]) rmSync(path, { recursive: true, force: true });
      if (round >= 0) times.get(name)?.push(ns);
    }
  }
  const values = (name: string) => times.get(name) ?? [];
  const ratio = (name: string) =>
    pairedRatio(values(name), values('GNU tar -xzf'), seededRandom(seed, `unpack ${name}`));
  return {
    title: `A layer of ${sizes.files} files is unpacked`,
    how: `Each file has up to ${MOST_BYTES} bytes, in memory (tmpfs); the layer is one gzip member. vlab in a warm process, with digest and diff id proved; the others as whole commands. ${rounds} rounds in random order.`,
    head: ['by', 'median', 'ratio to GNU tar (95 %)'],
    rows: Object.keys(arms).map((name) => [
      name,
      milliseconds(median(values(name))),
      name.startsWith('GNU') || !tar ? '' : ratioCell(ratio(name)),
    ]),
    values: Object.fromEntries(times),
    promises: tar ? ratioPromise(`vlab unpacks ${sizes.files} files : \`tar -xzf\``, ratio('vlab'), 1.2) : [],
  };
};
