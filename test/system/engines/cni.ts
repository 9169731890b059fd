/** A network that containers get by the Container Network Interface: a bridge of the room's own. */
import { existsSync } from 'node:fs';
import type { EngineRoom } from './engine-room.js';

export const hasCniPlugins = existsSync('/usr/lib/cni/bridge');

/** It is called `room`, and the first of all; addresses are those of 10.199.7.0/24. */
export function writeNetwork(room: EngineRoom): void {
  const bridge = {
    type: 'bridge',
    bridge: 'room0',
    isGateway: true,
    ipam: { type: 'host-local', ranges: [[{ subnet: '10.199.7.0/24' }]] },
  };
  const network = { cniVersion: '0.4.0', name: 'room', plugins: [bridge] };
  room.write('/etc/cni/net.d/10-room.conflist', JSON.stringify(network));
}
