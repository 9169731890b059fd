/**
 * As much of the protocol buffers' wire format (protobuf.dev, "Encoding") as criu's requests need: varints and
 * length-delimited fields. Pure.
 */
export type Scalar = 'bool' | 'number' | 'string';
/** A field: its number, what it is of, and whether it may come again and again. */
export interface Field {
  readonly at: number;
  readonly of: Scalar | Message;
  readonly repeated?: true;
}
export type Message = Readonly<Record<string, Field>>;

type ScalarOf<S> = S extends 'bool' ? boolean : S extends 'number' ? number : S extends 'string' ? string : never;
type OneOf<T> = T extends Scalar ? ScalarOf<T> : T extends Message ? ValueOf<T> : never;
/** The values of a message; an absent one is not sent. */
export type ValueOf<M extends Message> = {
  [K in keyof M]?: M[K] extends { repeated: true } ? OneOf<M[K]['of']>[] : OneOf<M[K]['of']>;
};

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

export function encode<M extends Message>(message: M, value: ValueOf<M>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, field] of Object.entries(message)) {
    const given = (value as Record<string, unknown>)[name];
    for (const one of field.repeated ? ((given ?? []) as unknown[]) : given === undefined ? [] : [given]) {
      parts.push(encodeField(field, one));
    }
  }
  return Buffer.concat(parts);
}

function encodeField({ at, of }: Field, value: unknown): Buffer {
  if (of === 'bool' || of === 'number') {
    return Buffer.concat([varint(BigInt((at << 3) | VARINT)), varint(BigInt.asUintN(64, BigInt(value as number)))]);
  }
  const bytes = of === 'string' ? Buffer.from(value as string) : encode(of, value as ValueOf<Message>);
  return Buffer.concat([varint(BigInt((at << 3) | BYTES)), varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

/** Fields that `message` does not name are passed over. RangeError: the bytes end too soon, or are of no known kind. */
export function decode<M extends Message>(message: M, bytes: Buffer): ValueOf<M> {
  const byNumber = new Map(Object.entries(message).map(([name, field]) => [field.at, { name, ...field }]));
  const value: Record<string, unknown> = {};
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const key = Number(readVarint(reader));
    const field = byNumber.get(key >>> 3);
    const raw = readRaw(reader, key & 7);
    if (!field) continue;
    const one = read(field.of, raw);
    if (field.repeated) value[field.name] = [...((value[field.name] as unknown[] | undefined) ?? []), one];
    else value[field.name] = one;
  }
  return value as ValueOf<M>;
}

interface Reader {
  bytes: Buffer;
  at: number;
}

function readRaw(reader: Reader, kind: number): bigint | Buffer {
  if (kind === VARINT) return readVarint(reader);
  const length = kind === BYTES ? Number(readVarint(reader)) : kind === FIXED64 ? 8 : kind === FIXED32 ? 4 : -1;
  if (length < 0 || reader.at + length > reader.bytes.length) throw new RangeError('not a message of criu');
  reader.at += length;
  return reader.bytes.subarray(reader.at - length, reader.at);
}

function readVarint(reader: Reader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw new RangeError('not a message of criu');
}

function read(of: Scalar | Message, raw: bigint | Buffer): unknown {
  if (typeof raw === 'bigint') return of === 'bool' ? raw !== 0n : Number(BigInt.asIntN(64, raw));
  return of === 'string' ? raw.toString('utf8') : decode(of as Message, raw);
}
