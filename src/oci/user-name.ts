import { readFileSync } from 'node:fs';

/** The name of a user by /etc/passwd (passwd(5)), or its number. */
export function userName(uid: number): string {
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((one) => one.split(':')[2] === String(uid));
    return line?.split(':')[0] ?? String(uid);
  } catch {
    return String(uid); // no such file here: the number says as much
  }
}
