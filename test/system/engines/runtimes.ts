/**
 * Which runtime the engines of a room get: vlab-oci, strictly one of its two ways (docs/planner.md). VLAB_ENGINES_RUNTIME names another
 * one (`VLAB_ENGINES_RUNTIME=/usr/sbin/runc npm test -- test/system/engines`): so the sessions are calibrated, and what fails with it too
 * is no fault of vlab.
 */
import { resolve } from 'node:path';
import { hostArch } from '../../../src/sys/abi.js';
import { compileNative } from '../../../src/sys/native.js';
import { isFullRun } from '../../skips.js';
import type { EngineRoom } from './engine-room.js';

export type Way = 'resident' | 'cold' | 'another runtime';

const ANOTHER = process.env.VLAB_ENGINES_RUNTIME;

export const BOTH_WAYS: readonly Way[] = ANOTHER ? ['another runtime'] : ['resident', 'cold'];

/** The planner decides by default; in the full run both ways. */
export const WAYS = isFullRun ? BOTH_WAYS : BOTH_WAYS.slice(0, 1);

/** Where docs/engines.md has it. */
export const RUNTIME_PATH = '/usr/local/bin/vlab-oci';

/** As it is installed: for who is in another mount namespace than the planner, and gets Node. */
export const EITHER_WAY = '/usr/local/bin/vlab-oci-either-way';

const BIN = resolve(import.meta.dirname, '../../../bin/vlab.cjs');
const NOWHERE = '/nowhere';

/** Installs it in the room as the documentation says. */
export async function installRuntime(room: EngineRoom, way: Way): Promise<void> {
  if (way === 'another runtime') {
    for (const path of [RUNTIME_PATH, EITHER_WAY]) await room.ask(['ln', '-sf', ANOTHER ?? '', path]);
    return;
  }
  const vlab = (...words: string[]) => room.ask([process.execPath, BIN, ...words]);
  const installed = JSON.parse(await vlab('oci', 'install', '--json')) as { plannerSocket: string };
  await room.ask(['cp', RUNTIME_PATH, EITHER_WAY]);
  if (way === 'cold') return; // no planner runs in the room
  await vlab('planner', 'start');
  // Whoever is not served by the planner must fail here, and not be served by Node after all.
  await compileNative('vlab-front', hostArch(), room.outside(RUNTIME_PATH), {
    VLAB_NODE: NOWHERE,
    VLAB_MAIN: NOWHERE,
    VLAB_SOCKET: installed.plannerSocket,
  });
}
