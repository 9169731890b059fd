import type { Platform } from '../image/descriptor.js';
import { platformName } from '../image/platform.js';

/** The variables that every build knows before its first FROM (docs.docker.com, "Automatic platform ARGs"). Pure. */
export function platformArgs(target: Platform, build: Platform): Map<string, string> {
  const of = (prefix: string, platform: Platform) =>
    [
      [`${prefix}PLATFORM`, platformName(platform)],
      [`${prefix}OS`, platform.os],
      [`${prefix}ARCH`, platform.architecture],
      [`${prefix}VARIANT`, platform.variant ?? ''],
    ] as const;
  return new Map([...of('TARGET', target), ...of('BUILD', build)]);
}
