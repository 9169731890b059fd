/** The native vlab-oci: vlab-front with the paths of this installation compiled in, for the engines' configuration. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../base/paths.js';
import { hostArch } from '../sys/abi.js';
import { compileNative } from '../sys/native.js';
import { plannerSocket } from './planner-place.js';

export interface Installed {
  path: string;
  node: string;
  main: string;
  plannerSocket: string;
}

/**
 * Writes it to `target`; one that is there is replaced. `socket`: of the resident planner that it asks. Error (`host`): no C
 * compiler.
 */
export async function installOci(target: string, socket = plannerSocket()): Promise<Installed> {
  const path = existsSync(target) && statSync(target).isDirectory() ? join(target, 'vlab-oci') : target;
  const installed = {
    path,
    node: process.execPath,
    main: join(packageRoot(), 'bin/vlab-oci.cjs'),
    plannerSocket: socket,
  };
  await compileNative('vlab-front', hostArch(), path, {
    VLAB_NODE: installed.node,
    VLAB_MAIN: installed.main,
    VLAB_SOCKET: installed.plannerSocket,
  });
  return installed;
}
