/** The keeper as a service of systemd (systemd.service(5)). Pure. */

/** `environment`: where vlab keeps things, as far as that was chosen. */
export function keeperUnit(command: readonly string[], environment: Record<string, string>, root: boolean): string {
  const chosen = Object.entries(environment).filter(([name]) => name.startsWith('VLAB_') || name === 'PATH');
  return [
    '[Unit]',
    'Description=Keeper of vlab: restart policies and health checks of its containers',
    ...(root ? ['After=network-online.target', 'Wants=network-online.target'] : []),
    '',
    '[Service]',
    `ExecStart=${command.map(quoted).join(' ')}`,
    ...chosen.map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    'Restart=on-failure',
    '# Containers are not the keeper’s: they go on when it ends.',
    'KillMode=process',
    'Delegate=yes',
    '',
    '[Install]',
    `WantedBy=${root ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n');
}

/** systemd.syntax(7): quotes and backslashes; `%` and `$` mean something to it. */
function quoted(word: string): string {
  return /^[\w@+=:,./-]+$/.test(word)
    ? word
    : `"${word.replace(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;
}
