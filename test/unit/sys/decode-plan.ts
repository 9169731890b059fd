/** Reads an encoded plan by the tables of docs/plan-format.md alone, into text: the encoder's goldens, and its counterpart. */
export interface DecodedStep {
  nr: number;
  flags: number;
  jump: number;
  args: { kind: number; value: bigint }[];
  accept: [bigint, bigint];
  result: number;
  tolerate: number[];
}

export interface Decoded {
  machine: number;
  version: bigint;
  imageBytes: number;
  reply: { offset: number; bytes: number };
  steps: DecodedStep[];
  relocations: number[];
  data: Uint8Array;
}

export function decodePlan(bytes: Uint8Array): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u32 = (at: number) => view.getUint32(at, true);
  const [steps, imageBytes, dataBytes, relocations, replyAt, replyBytes] = [16, 20, 24, 28, 32, 36].map(u32) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const relocationsAt = 40 + steps * 96;
  const dataAt = relocationsAt + Math.ceil(relocations / 2) * 8;
  if (bytes.length !== dataAt + dataBytes) throw new Error(`${bytes.length} bytes instead of ${dataAt + dataBytes}`);
  return {
    machine: u32(4),
    version: view.getBigUint64(8, true),
    imageBytes,
    reply: { offset: replyAt, bytes: replyBytes },
    steps: Array.from({ length: steps }, (_, index) => decodeStep(view, 40 + index * 96)),
    relocations: Array.from({ length: relocations }, (_, index) => u32(relocationsAt + index * 4)),
    data: bytes.subarray(dataAt),
  };
}

function decodeStep(view: DataView, at: number): DecodedStep {
  return {
    nr: view.getUint32(at, true),
    flags: view.getUint16(at + 4, true),
    jump: view.getUint16(at + 6, true),
    args: [0, 1, 2, 3, 4, 5].map((index) => ({
      kind: view.getUint8(at + 8 + index),
      value: view.getBigUint64(at + 16 + index * 8, true),
    })),
    accept: [view.getBigInt64(at + 64, true), view.getBigInt64(at + 72, true)],
    result: view.getInt32(at + 80, true),
    tolerate: [0, 1, 2, 3, 4, 5].map((index) => view.getUint16(at + 84 + index * 2, true)),
  };
}

/** As a person would note it down: one line a step. */
export function decodedText(plan: Decoded): string {
  const kinds = ['', '&', 'w32@', 'w64@'];
  const argument = ({ kind, value }: { kind: number; value: bigint }) =>
    `${kinds[kind] ?? '?'}${kind === 0 ? BigInt.asIntN(64, value) : value}`;
  const steps = plan.steps.map((step, index) =>
    [
      `step ${index}: call ${step.nr}(${step.args.map(argument).join(', ')})`,
      `accept ${step.accept.join('..')}`,
      `result ${step.result}`,
      `tolerate ${step.tolerate.join(' ')}`,
      `jump ${step.jump}`,
      `flags ${step.flags}`,
    ].join(' | '),
  );
  return [
    `machine ${plan.machine}, version 0x${plan.version.toString(16)}, image ${plan.imageBytes} bytes, reply ${plan.reply.bytes} bytes at ${plan.reply.offset}`,
    ...steps,
    `relocations ${plan.relocations.join(' ')}`,
    '',
  ].join('\n');
}
