/** Images from what the distribution's packages and vlab itself bring along: no registry is asked. */
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { messageOf, VlabError } from '../../base/errors.js';
import { mustRun, run } from '../../base/exec.js';
import { findProgram } from '../../base/find-program.js';
import { makeWhole } from '../../base/partial.js';
import { cacheDir } from '../../base/paths.js';
import { nativeBinary } from '../../sys/native.js';
import type { ImageRunConfig } from '../config.js';
import { importImage } from '../import-image.js';
import { parseReference, withDefaultTag } from '../reference.js';
import type { Image } from '../store/image.js';
import { busyboxTree } from './busybox-tree.js';
import { archiveOf, type PlannedFile } from './planned-tree.js';
import { probeTree } from './probe-tree.js';

export const MAKERS = ['busybox', 'debian', 'probe'] as const;
export type Maker = (typeof MAKERS)[number];

export interface MakeOptions {
  /** NAME[:TAG]. Default: that of the maker, and of the suite. */
  tag?: string | undefined;
  /** Of Debian. */
  suite?: string | undefined;
  /** Asks the distribution again, where what it said is kept. */
  refresh?: boolean | undefined;
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const SUITE = 'bookworm';
/** 2020-01-01: a moment that does not move. What is newer gets it, and so the same packages give the same image. */
const FIXED_SECONDS = 1_577_836_800;

/**
 * Makes it and gives it its name. The layer is not compressed, so that its digest depends on no version of zlib. Errors: `host` for a
 * package that is not installed, or a mirror out of reach; `input` for a SOURCE_DATE_EPOCH that is no time.
 */
export async function makeImage(maker: Maker, options: MakeOptions = {}): Promise<Image> {
  const seconds = sourceDateEpoch(process.env.SOURCE_DATE_EPOCH);
  const { files, archive, config, message, name } = await MAKE[maker](options, seconds);
  return await importImage(archive ?? Readable.from(archiveOf(files ?? [], seconds), { objectMode: false }), {
    reference: withDefaultTag(parseReference(options.tag ?? name)),
    run: config,
    message,
    created: new Date(seconds * 1000),
  });
}

interface Made {
  /** One of the two. */
  files?: readonly PlannedFile[];
  archive?: Readable;
  config: ImageRunConfig;
  message: string;
  name: string;
}

const MAKE: Record<Maker, (options: MakeOptions, seconds: number) => Promise<Made>> = {
  busybox: async () => {
    const program = '/bin/busybox';
    const listed = existsSync(program) ? await run(program, ['--list']) : undefined;
    if (listed?.exitCode !== 0) {
      throw new VlabError('host', `there is no ${program} that lists its applets`, {
        hint: 'install it (Debian: apt-get install busybox-static)',
      });
    }
    const bytes = readFileSync(program);
    mustBeStatic(bytes, program);
    const files = busyboxTree(bytes, listed.stdout.trim().split('\n'));
    return { files, config: { Env: [PATH], Cmd: ['sh'] }, message: 'from busybox-static', name: 'busybox' };
  },
  probe: async () => ({
    files: probeTree(readFileSync(await nativeBinary('probe'))),
    config: { Env: [PATH], Cmd: ['/probe', 'hello'] },
    message: "vlab's probe",
    name: 'probe',
  }),
  debian: async ({ suite = SUITE, refresh = false }, seconds) => ({
    archive: createReadStream(await debianArchive(suite, seconds, refresh), { highWaterMark: 1 << 20 }),
    config: { Env: [PATH], Cmd: ['bash'] },
    message: `mmdebstrap --variant=minbase ${suite}`,
    name: `debian:${suite}`,
  }),
};

/** Kept in the cache: tens of seconds and of megabytes the first time. */
async function debianArchive(suite: string, seconds: number, refresh: boolean): Promise<string> {
  if (!/^[a-z][a-z-]*$/.test(suite))
    throw new VlabError('input', `this is no suite of Debian: ${JSON.stringify(suite)}`);
  const kept = join(cacheDir(), 'images', `debian-${suite}-${seconds}-${process.arch}.tar`);
  if (existsSync(kept) && !refresh) return kept;
  if (!findProgram('mmdebstrap')) {
    throw new VlabError('host', 'mmdebstrap is not installed', { hint: 'install it (Debian: mmdebstrap)' });
  }
  await makeWhole(kept, async (partial) => {
    const words = ['--quiet', '--variant=minbase', '--format=tar', suite, partial];
    await mustRun('mmdebstrap', words, { env: { SOURCE_DATE_EPOCH: String(seconds) }, timeout: 900_000 }).catch(
      (cause) => {
        throw new VlabError('host', `mmdebstrap made no ${suite}: ${messageOf(cause)}`, {
          cause,
          hint: 'it needs root or user namespaces, and a mirror of Debian within reach',
        });
      },
    );
  });
  return kept;
}

/** Error (`input`): it is no number of seconds (reproducible-builds.org). */
export function sourceDateEpoch(text: string | undefined): number {
  if (text === undefined || text === '') return FIXED_SECONDS;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new VlabError('input', `SOURCE_DATE_EPOCH is no number of seconds: ${JSON.stringify(text)}`);
}

/** ELF: without a program header of type PT_INTERP nothing else has to be loaded. */
function mustBeStatic(program: Buffer, path: string): void {
  const [at, bytes, count] = [Number(program.readBigUInt64LE(32)), program.readUInt16LE(54), program.readUInt16LE(56)];
  for (let index = 0; index < count; index++) {
    if (program.readUInt32LE(at + index * bytes) !== 3) continue;
    throw new VlabError('host', `${path} is not statically linked: alone in a root it does not start`, {
      hint: 'install the static one (Debian: apt-get install busybox-static)',
    });
  }
}
