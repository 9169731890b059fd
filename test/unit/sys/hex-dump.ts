/** Bytes as `OFFSET  16 bytes in four groups  text`, one line a sixteen. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const hex = row.map((byte, index) => byte.toString(16).padStart(2, '0') + (index % 4 === 3 ? ' ' : '')).join('');
    const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(37)} ${text}`.trimEnd());
  }
  return `${lines.join('\n')}\n`;
}
