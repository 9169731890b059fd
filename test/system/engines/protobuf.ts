/** As much of the protocol buffers' wire format as the engines' interfaces need: numbers, texts, and messages in messages. */

/** Fields by their numbers; an array repeats its field. What is undefined, false or 0 is its default, and left out. */
export interface Message {
  readonly [field: number]: Value | readonly Value[] | undefined;
}
export type Value = string | number | boolean | Message;

const VARINT = 0;
const BYTES = 2;

export function encode(message: Message): Buffer {
  const fields = Object.entries(message).flatMap(([field, value]) =>
    (Array.isArray(value) ? value : [value]).filter(Boolean).map((one: Value) => encodeField(Number(field), one)),
  );
  return Buffer.concat(fields);
}

function encodeField(field: number, value: Value): Buffer {
  if (typeof value === 'number' || typeof value === 'boolean') {
    return Buffer.concat([varint((field << 3) | VARINT), varint(Number(value))]);
  }
  const bytes = typeof value === 'string' ? Buffer.from(value) : encode(value);
  return Buffer.concat([varint((field << 3) | BYTES), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** The fields of a message that has no fixed-width ones; the last of each that is repeated. */
export class Fields {
  private readonly fields = new Map<number, number | Buffer>();

  constructor(bytes: Buffer) {
    let at = 0;
    const next = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++] ?? 0;
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
    };
    while (at < bytes.length) {
      const key = next();
      const value = next();
      const isNumber = (key & 7) === VARINT;
      this.fields.set(key >> 3, isNumber ? value : bytes.subarray(at, at + value));
      if (!isNumber) at += value;
    }
  }

  text(field: number): string {
    return String(this.fields.get(field) ?? '');
  }

  number(field: number): number {
    return Number(this.fields.get(field) ?? 0);
  }

  message(field: number): Fields {
    const bytes = this.fields.get(field);
    return new Fields(bytes instanceof Buffer ? bytes : Buffer.alloc(0));
  }
}
