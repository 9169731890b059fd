/** What `vlab events` tells, in the words of docker's API ("Monitor events"). */

export type EventType = 'container' | 'image' | 'network' | 'volume' | 'daemon';

export interface EngineEvent {
  type: EventType;
  /** `create`, `start`, `die`, `exec_start: sh`, `health_status: healthy` … */
  action: string;
  actor: {
    /** The id of the thing; of an image or a volume its name. */
    id: string;
    /** `name`, `image`, `exitCode`, `signal` … and the labels. */
    attributes: Record<string, string>;
  };
  /** Nanoseconds since 1970, as text. */
  timeNs: string;
}
