import type { OciConfig } from '../../container/config/schema.js';
import type { StartRequest } from './start-request.js';

/** The configuration with the size of the window that its program is started in. Pure. */
export function sized({ config, attach }: Pick<StartRequest, 'config' | 'attach'>): OciConfig {
  const { size } = attach ?? {};
  if (!config.process.terminal || !size) return config;
  return { ...config, process: { ...config.process, consoleSize: { height: size.rows, width: size.columns } } };
}
