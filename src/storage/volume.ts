/** A volume: a directory that outlives containers (docker's `local` driver). A value. */

export interface Volume {
  name: string;
  driver: 'local';
  /** RFC 3339. */
  createdAt: string;
  labels: Record<string, string>;
  /** Options of the driver: `type`, `device`, `o`, as of mount(8). */
  options: Record<string, string>;
  anonymous: boolean;
  /** Where its files are. */
  mountpoint: string;
}

export interface NewVolume {
  name: string;
  labels?: Record<string, string>;
  options?: Record<string, string>;
  anonymous?: boolean;
}
