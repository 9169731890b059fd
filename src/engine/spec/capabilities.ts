/** Which capabilities a container has, of `--cap-add`, `--cap-drop` and `--privileged` (moby's oci/caps). Pure. */
import { CAPABILITIES, DEFAULT_CAPABILITIES } from '../../container/config/capabilities.js';
import { refuse } from '../define/asked-error.js';

const ALL = 'ALL';

/** Names as the kernel has them, `ALL` as it is. Error (`input`): one is none. */
export function capabilityNamesOf(asked: readonly string[]): string[] {
  return asked.map((word) => {
    const upper = word.toUpperCase();
    if (upper === ALL) return ALL;
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if ((CAPABILITIES as readonly string[]).includes(name)) return name;
    throw refuse(`invalid capability: ${JSON.stringify(word)}`, 'capabilities(7) has their names');
  });
}

export interface AskedCapabilities {
  privileged: boolean;
  capAdd: readonly string[];
  capDrop: readonly string[];
}

/** In the kernel's order. */
export function capabilitiesOf(
  { privileged, capAdd, capDrop }: AskedCapabilities,
  base = DEFAULT_CAPABILITIES,
): string[] {
  if (privileged) return [...CAPABILITIES];
  const added = capabilityNamesOf(capAdd);
  const dropped = capabilityNamesOf(capDrop);
  const has = (name: string) => {
    if (added.includes(ALL)) return !dropped.includes(name);
    if (dropped.includes(ALL)) return added.includes(name);
    return added.includes(name) || (base.includes(name) && !dropped.includes(name));
  };
  return CAPABILITIES.filter(has);
}
