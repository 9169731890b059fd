/** The directory that --rootfs names; `probe` is the built-in one. */
export async function rootfsOf(name: string): Promise<string> {
  if (name !== 'probe') return name;
  const { probeRootfs } = await import('../drivers/probe-rootfs.js');
  return (await probeRootfs()).dir;
}
