import { describe, expect, it } from 'vitest';
import {
  addressBody,
  attribute,
  attributesIn,
  cString,
  defaultRouteBody,
  linkBody,
  message,
  messagesIn,
  nested,
  RTNETLINK,
} from '../../../src/sys/netlink.js';

describe('a message', () => {
  const name = attribute(RTNETLINK.IFLA_IFNAME, Buffer.from('eth0\0'));
  const move = message(RTNETLINK.RTM_SETLINK, ['NLM_F_REQUEST', 'NLM_F_ACK'], linkBody(7), name);

  it('is a header, a fixed part and padded attributes', () => {
    expect(Buffer.from(move).toString('hex')).toBe(
      [
        ...['2c000000', '1300', '0500', '00000000', '00000000'], // 44 bytes, RTM_SETLINK, REQUEST|ACK
        ...['00', '00', '0000', '07000000', '00000000', '00000000'], // index 7
        ...['0900', '0300', '6574683000', '000000'], // IFLA_IFNAME of 9 bytes, padded
      ].join(''),
    );
  });

  it('is read back with its attributes', () => {
    const [first, second, ...rest] = [...messagesIn(Buffer.concat([move, move]))];
    expect(rest).toEqual([]);
    expect(second).toEqual(first);
    expect(first?.type).toBe(RTNETLINK.RTM_SETLINK);
    const attributes = attributesIn(first?.body ?? Buffer.alloc(0), 16);
    expect(attributes.get(RTNETLINK.IFLA_IFNAME)?.toString()).toBe('eth0\0');
  });

  it('that is cut short, or says it is longer than what came, is not read', () => {
    expect([...messagesIn(Buffer.from(move.subarray(0, 40)))]).toEqual([]);
    expect([...messagesIn(Buffer.alloc(64))]).toEqual([]);
    expect([...attributesIn(Buffer.from([255, 0, 1, 0, 1]), 0)]).toEqual([]);
  });

  it('about an address says family, length, flags, scope and index', () => {
    const body = addressBody({ family: 10, prefix: 64, flags: 0x280, scope: 0, index: 3 });
    expect(Buffer.from(body).toString('hex')).toBe('0a408000' + '03000000');
  });
});

describe('a message about a route', () => {
  it('is of the main table, and of no destination', () => {
    expect(Buffer.from(defaultRouteBody(2)).toString('hex')).toBe('02000000' + 'fe040001' + '00000000');
  });
});

it('attributes hold attributes', () => {
  const bytes = nested(RTNETLINK.IFLA_LINKINFO, attribute(RTNETLINK.IFLA_INFO_KIND, cString('veth')));
  const outer = attributesIn(Buffer.from(bytes), 0).get(RTNETLINK.IFLA_LINKINFO) ?? Buffer.alloc(0);
  expect(attributesIn(outer, 0).get(RTNETLINK.IFLA_INFO_KIND)?.toString()).toBe('veth\0');
});
