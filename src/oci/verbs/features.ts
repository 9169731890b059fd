import { featuresDocument } from '../features-document.js';
import type { Verb } from '../invocation.js';

/** The features document, as JSON. */
export const features: Verb = async () => ({
  exitCode: 0,
  stdout: `${JSON.stringify(featuresDocument(), null, 2)}\n`,
});
