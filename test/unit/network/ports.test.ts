import { describe, expect, it } from 'vitest';
import { parsePublishedPort } from '../../../src/network/ports.js';

describe('a port to publish', () => {
  it.each([
    ['80', { protocol: 'tcp', hostPort: 0, containerPort: 80, count: 1 }],
    ['8080:80', { protocol: 'tcp', hostPort: 8080, containerPort: 80, count: 1 }],
    ['80:80/sctp', { protocol: 'sctp', hostPort: 80, containerPort: 80, count: 1 }],
    ['8080:80/UDP', { protocol: 'udp', hostPort: 8080, containerPort: 80, count: 1 }],
    ['0.0.0.0:8080:80', { protocol: 'tcp', hostPort: 8080, containerPort: 80, count: 1 }],
    ['127.0.0.1::80', { protocol: 'tcp', hostAddress: '127.0.0.1', hostPort: 0, containerPort: 80, count: 1 }],
    ['[fd00::1]:8080:80', { protocol: 'tcp', hostAddress: 'fd00::1', hostPort: 8080, containerPort: 80, count: 1 }],
    ['8000-8009:9000-9009', { protocol: 'tcp', hostPort: 8000, containerPort: 9000, count: 10 }],
  ])('%s', (text, port) => {
    expect(parsePublishedPort(text)).toEqual(port);
  });

  it.each([
    ['', 'no port to publish'],
    ['http:80', 'no port to publish'],
    ['80/icmp', 'no port to publish'],
    ['0', 'without a port'],
    ['90-80', 'without a port'],
    ['65536', 'above 65535'],
    ['6553:1-10', 'different lengths'],
    ['65530-65539:1-10', 'above 65535'],
    ['8000-8001:80-82', 'different lengths'],
    ['999.1.1.1:80:80', 'no IP address'],
    ['[::1]:80:80', 'localhost'],
  ])('%j is none: %s', (text, why) => {
    expect(() => parsePublishedPort(text)).toThrow(why);
  });
});
