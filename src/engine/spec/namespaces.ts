/** Which namespaces a container has: new ones, another container's by /proc/PID/ns, or none of its own. Pure. */

import type { OciConfig, OciNamespaceType } from '../../container/config/schema.js';
import { NAMESPACE_FILES } from '../../container/host-abilities.js';
import { type ContainerDefinition, joinedContainer } from '../define/definition.js';
import type { SpecFacts } from './facts.js';

type Entry = OciConfig['linux']['namespaces'][number];

export function namespacesFor({ namespaces, network }: ContainerDefinition, facts: SpecFacts): Entry[] {
  const modes: [OciNamespaceType, string][] = [
    ['mount', 'private'],
    ['pid', namespaces.pid],
    ['network', network.mode],
    ['ipc', namespaces.ipc],
    ['uts', namespaces.uts],
    ['cgroup', namespaces.cgroup],
  ];
  const entries = modes.flatMap(([type, mode]): Entry[] => {
    if (mode === 'host') return [];
    const other = joinedContainer(mode);
    return other === undefined
      ? [{ type }]
      : [{ type, path: `/proc/${pidOf(other, facts)}/ns/${NAMESPACE_FILES[type]}` }];
  });
  if (!facts.idMaps) return entries;
  // Without root nobody may join a namespace but from the user namespace that it belongs to.
  const owner = facts.rootless ? modes.flatMap(([, mode]) => joinedContainer(mode) ?? [])[0] : undefined;
  const user: Entry =
    owner === undefined ? { type: 'user' } : { type: 'user', path: `/proc/${pidOf(owner, facts)}/ns/user` };
  return [...entries, user];
}

/** RangeError: nobody has said where that container is. */
function pidOf(id: string, { joined }: SpecFacts): number {
  const found = joined.get(id);
  if (!found) throw new RangeError(`the container ${id}, which is joined, is not among the facts`);
  return found.pid;
}
