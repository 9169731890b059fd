/** A container's record as a row of `ps`, and as what `--filter` asks. */

import { portsColumn, publishedAt } from '../engine/look/published-ports.js';
import { isRunning, statusOf } from '../engine/record/container-status.js';
import type { ContainerRecord } from '../engine/record/records.js';
import { containerStatus } from './format/container-status.js';
import type { ContainerFacts } from './format/filter-rules.js';
import type { ContainerRow } from './format/listings.js';

export interface ShownContainer extends ContainerFacts {
  row: ContainerRow;
}

/** `nowMs`: for `Up 3 hours`. */
export function shownContainer({ id, definition, state }: ContainerRecord, nowMs: number): ShownContainer {
  const status = statusOf(state);
  const { root, labels, mounts, network } = definition;
  const createdAtMs = Date.parse(definition.createdAt);
  const health = definition.healthCheck === undefined ? undefined : state.health?.status;
  const image = root.kind === 'image' ? root.asked : root.path;
  const runs = isRunning(state);
  const ports = runs ? (state.ports ?? []) : [];
  const networks = networkNames(
    network.mode,
    state.attachments.map((one) => one.network),
  );
  const volumes = mounts.filter(({ kind }) => kind !== 'tmpfs');
  const sourceOf = (mount: (typeof mounts)[number]) =>
    mount.kind === 'volume' ? mount.name : mount.kind === 'bind' ? mount.source : '';
  return {
    ...{ id, labels, createdAtMs, networks },
    names: [state.name],
    state: status,
    exitCode: state.exitCode,
    health,
    ancestors:
      root.kind === 'image' ? [root.asked, root.id, ...(root.reference === undefined ? [] : [root.reference])] : [],
    volumes: volumes.flatMap((mount) => [sourceOf(mount), mount.destination]),
    published: publishedAt(ports).map(({ port }) => port),
    exposed: network.exposed,
    row: {
      ...{ id, image, labels, createdAtMs, networks },
      args: definition.args,
      state: status,
      status: containerStatus(
        {
          state: status,
          exitCode: state.exitCode,
          startedAtMs: msOf(state.startedAt),
          finishedAtMs: msOf(state.finishedAt),
          health,
        },
        nowMs,
      ),
      ports: portsColumn(ports, runs ? network.exposed : []),
      names: [state.name],
      mounts: volumes.map(sourceOf),
      localVolumes: mounts.filter(({ kind }) => kind === 'volume').length,
      ...(root.kind === 'image' && root.platform ? { platform: root.platform } : {}),
    },
  };
}

function networkNames(mode: string, attached: string[]): string[] {
  return mode === 'networks' ? attached : mode.startsWith('container:') ? [] : [mode];
}

const msOf = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time));
