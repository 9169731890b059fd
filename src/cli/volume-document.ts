import type { Volume } from '../storage/volume.js';

/** What `inspect` says of a volume, by docker's names. Labels and options that there are none of are null. */
export function volumeDocument({ name, driver, createdAt, labels, options, mountpoint }: Volume): object {
  const orNull = (record: Record<string, string>) => (Object.keys(record).length > 0 ? record : null);
  return {
    CreatedAt: createdAt,
    Driver: driver,
    Labels: orNull(labels),
    Mountpoint: mountpoint,
    Name: name,
    Options: orNull(options),
    Scope: 'local',
  };
}
