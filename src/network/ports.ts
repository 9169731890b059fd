/** Published ports: `-p [ADDRESS:][HOST[-HOST]:]CONTAINER[-CONTAINER][/tcp|udp|sctp]`, as docker and podman read it. Pure. */
import { VlabError } from '../base/errors.js';
import { parseAddress, showAddress } from './address.js';

export interface PublishedPort {
  protocol: 'tcp' | 'udp' | 'sctp';
  /** Only this address of the host; undefined: all, of IPv4 and of IPv6. */
  hostAddress?: string;
  /** The first of the range. 0: whoever publishes it chooses. */
  hostPort: number;
  containerPort: number;
  /** How many, from both of them on. */
  count: number;
}

const FORM = /^(?:(?:\[([^\]]+)\]|(\d+\.[\d.]*)):)?(?:(\d+)?(?:-(\d+))?:)?(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i;

/** Error (`input`): it is not of that form, a port is none, or the two ranges are not of one length. */
export function parsePublishedPort(text: string): PublishedPort {
  const match = FORM.exec(text);
  if (!match) throw wrong(text, 'is no port to publish');
  const [, v6, v4, host, hostLast, container = '', containerLast, protocol = 'tcp'] = match;
  const containerPort = Number(container);
  const count = Number(containerLast ?? container) - containerPort + 1;
  const hostPort = Number(host ?? 0);
  const hostCount = hostLast === undefined ? undefined : Number(hostLast) - hostPort + 1;
  for (const port of [containerPort, containerPort + count - 1, hostPort + count - 1]) {
    if (port > 65535) throw wrong(text, 'has a port above 65535');
  }
  if (containerPort < 1 || count < 1) throw wrong(text, 'has a range without a port');
  if (hostCount !== undefined && hostCount !== count) throw wrong(text, 'has ranges of different lengths');
  if (host !== undefined && hostCount === undefined && count > 1) throw wrong(text, 'has ranges of different lengths');
  const address = v6 ?? v4;
  const hostAddress = address === undefined ? undefined : showAddress(parseAddress(address));
  if (hostAddress === '::1') {
    throw new VlabError('host', `${JSON.stringify(text)}: the kernel forwards nothing of IPv6's localhost`, {
      hint: `publish it on 127.0.0.1, or on an address of the host's links`,
    });
  }
  return {
    protocol: protocol.toLowerCase() as PublishedPort['protocol'],
    // "All addresses" of one family is what both families mean by it.
    ...(hostAddress === undefined || hostAddress === '0.0.0.0' ? {} : { hostAddress }),
    ...{ hostPort, containerPort, count },
  };
}

function wrong(text: string, why: string): VlabError {
  return new VlabError('input', `${JSON.stringify(text)} ${why}`, {
    hint: 'write it as 8080:80, 127.0.0.1:8080:80/tcp or 8000-8009:8000-8009',
  });
}
