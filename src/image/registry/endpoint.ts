/** Where a registry is, and how it may be talked to. */
import { VlabError } from '../../base/errors.js';

export interface Endpoint {
  /** HOST or HOST:PORT, under which credentials are looked up. */
  host: string;
  /** `https://HOST`, or `http://HOST` where that is allowed: no path, no slash at the end. */
  origin: string;
  /** Certificates of authorities that are trusted beside Node's own, as PEM. */
  ca?: string;
  /** Certificates are not checked, and credentials may go over plain http: only where a person has said so. */
  isInsecure: boolean;
}

export interface EndpointOptions {
  ca?: string;
  isInsecure?: boolean;
  /** Plain http without being asked for `isInsecure`: for loopback only. */
  isPlainHttp?: boolean;
}

/** Docker Hub's registry does not live under the name that people give it. */
const HOSTS: Readonly<Record<string, string>> = {
  'docker.io': 'registry-1.docker.io',
  'index.docker.io': 'registry-1.docker.io',
};
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d{1,5})?$/i;

/**
 * The endpoint of the registry that an image's name begins with. Error (`input`): that is no host, or plain http was asked for
 * to a host that is neither loopback nor said to be insecure.
 */
export function endpointOf(registry: string, options: EndpointOptions = {}): Endpoint {
  if (!HOST.test(registry)) throw new VlabError('input', `this is no registry's host: ${JSON.stringify(registry)}`);
  const isInsecure = options.isInsecure ?? false;
  const origin = `${options.isPlainHttp ? 'http' : 'https'}://${Object.hasOwn(HOSTS, registry) ? HOSTS[registry] : registry}`;
  if (options.isPlainHttp && !isInsecure && !isLoopback(new URL(origin))) {
    throw new VlabError('input', `${registry} is not on this machine, and is not to be talked to without TLS`, {
      hint: 'name it as an insecure registry, if nobody else can listen on the way to it',
    });
  }
  return { host: registry, origin, isInsecure, ...(options.ca !== undefined && { ca: options.ca }) };
}

/** RFC 6761 section 6.3, RFC 1122 section 3.2.1.3 and RFC 4291 section 2.5.3: nothing leaves this machine on the way there. */
export function isLoopback(url: URL): boolean {
  const name = url.hostname;
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/** Whether what is secret may be sent to `url`, which belongs to `endpoint` or was named by it. */
export function maySendSecrets(endpoint: Endpoint, url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && (isLoopback(url) || endpoint.isInsecure));
}
