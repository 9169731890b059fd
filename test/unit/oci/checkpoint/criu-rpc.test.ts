// The bytes that criu reads and writes, against the wire format as protobuf.dev describes it; worked out by hand.
import { describe, expect, it } from 'vitest';
import { CRIU_OPTS, decodeResponse, encodeRequest, REQUEST_TYPES } from '../../../../src/oci/checkpoint/criu-rpc.js';
import { decode, encode, type Message } from '../../../../src/oci/checkpoint/protobuf.js';

const hex = (bytes: Buffer) => bytes.toString('hex').replace(/(..)(?=.)/g, '$1 ');
const bytes = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a request', () => {
  it('is fields of a number and a value, messages within messages', () => {
    const request = {
      type: REQUEST_TYPES.DUMP,
      opts: {
        images_dir_fd: 110,
        pid: 300,
        leave_running: true,
        log_file: 'a.log',
        cg_root: [{ ctrl: '', path: '/x' }],
      },
    };
    // 1: 1; 2: { 1: 110, 2: 300 in two bytes, 3: true, 10: "a.log", 25 in two bytes: { 1: "", 2: "/x" } }
    expect(hex(encodeRequest(request))).toBe(
      '08 01 12 17 08 6e 10 ac 02 18 01 52 05 61 2e 6c 6f 67 ca 01 06 0a 00 12 02 2f 78',
    );
  });

  it('sends false and 0, which are not the same as nothing', () => {
    expect(
      hex(encodeRequest({ type: REQUEST_TYPES.NOTIFY, notify_success: false, opts: { manage_cgroups_mode: 0 } })),
    ).toBe('08 06 12 03 90 02 00 18 00');
  });

  it('has a negative number in ten bytes', () => {
    expect(hex(encodeRequest({ type: 1, opts: { images_dir_fd: -1 } }))).toBe(
      '08 01 12 0b 08 ff ff ff ff ff ff ff ff ff 01',
    );
  });

  it('names every field once', () => {
    const numbers = Object.values(CRIU_OPTS).map(({ at }) => at);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

describe('an answer', () => {
  it('tells the stage and the process', () => {
    const answer = decodeResponse(bytes('08 06 10 01 2a 0d 0a 08 61 62 63 64 65 66 67 68 10 d2 09'));
    expect(answer).toEqual({ type: 6, success: true, notify: { script: 'abcdefgh', pid: 1234 } });
  });

  it('may have fields that are not known here, of every kind', () => {
    // 12: 5; 13: eight bytes; 14: "hi"; 15: four bytes; then 7: 3
    const answer = decodeResponse(bytes('08 01 10 00 60 05 69 0102030405060708 72 02 6869 7d 01020304 38 03'));
    expect(answer).toEqual({ type: 1, success: false, cr_errno: 3 });
  });

  it.each(['08', '0a 05 61', '0f 01', '80 80 80 80 80 80 80 80 80 80 80'])(
    'is refused when it is cut off: %s',
    (text) => {
      expect(() => decodeResponse(bytes(text))).toThrow(RangeError);
    },
  );
});

it('what was written is read again', () => {
  const message = {
    flag: { at: 1, of: 'bool' },
    count: { at: 16, of: 'number' },
    name: { at: 2047, of: 'string' },
    many: { at: 2048, of: { text: { at: 1, of: 'string' } }, repeated: true },
  } as const satisfies Message;
  for (const count of [0, 1, 127, 128, 2 ** 31, 2 ** 53 - 1, -1, -(2 ** 31)]) {
    const value = { flag: count > 0, count, name: 'ü'.repeat(100), many: [{ text: 'a' }, { text: '' }] };
    expect(decode(message, encode(message, value))).toEqual(value);
  }
});
