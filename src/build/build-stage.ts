/** One stage: its base, and its instructions in their order, from the cache where it has them. */
import { VlabError } from '../base/errors.js';
import type { Platform } from '../image/descriptor.js';
import { parsePlatform, platformName } from '../image/platform.js';
import type { Image } from '../image/store/image.js';
import { applyInstruction, type Surroundings } from './apply-instruction.js';
import type { BuildRequest } from './build-image.js';
import { type CopySource, collectCopy, explainCopy, performCopy, performDirectory } from './copy-step.js';
import { parseInstruction } from './dockerfile/parse-instruction.js';
import type { BuiltImage } from './image-document.js';
import { type Packing, packStep, withLayer } from './pack-step.js';
import type { PlannedStage } from './plan-stages.js';
import { performRun } from './run-step.js';
import { beginStage, DEFAULT_PATH, PREDEFINED_ARGS, type StageState } from './stage-state.js';
import type { Step, StepAction } from './step.js';
import { type CachedStep, cacheKey, findStep, keepStep } from './step-cache.js';
import { treeOf, Workspace } from './workspace.js';

export interface BuiltStage {
  built: BuiltImage;
  /** Names all that went into it. */
  key: string;
}

export interface StageSurroundings {
  request: BuildRequest;
  packing: Packing;
  planned: PlannedStage;
  platform: Platform;
  globals: ReadonlyMap<string, string>;
  platformArgs: ReadonlyMap<string, string>;
  pull: (name: string, platform: Platform) => Promise<Image>;
  /** Names of the build arguments that an ARG has asked for. */
  used: Set<string>;
  stageOf: (name: string) => BuiltStage | undefined;
  stageAt: (index: number) => BuiltStage | undefined;
  next: () => { number: number; of: number };
}

/** It changes when what a step comes to changes. */
const CACHE_VERSION = '1';

export class StageBuilder {
  #built!: BuiltImage;
  #key = '';

  constructor(private readonly at: StageSurroundings) {}

  async build(): Promise<BuiltStage> {
    const { request, planned } = this.at;
    const { dockerfile } = request;
    const number = this.#begin(`FROM ${planned.stage.base}${planned.stage.name ? ` AS ${planned.stage.name}` : ''}`);
    let state = await this.#base();
    request.tell({ kind: 'done', number });
    const { file, escapeSign } = dockerfile;
    const triggers = (this.#built.config.OnBuild ?? []).map((trigger) =>
      parseInstruction({ line: planned.stage.line, text: trigger, hereDocuments: [] }, file, escapeSign),
    );
    for (const instruction of [...triggers, ...planned.stage.instructions]) {
      request.signal?.throwIfAborted();
      state = await this.#step(applyInstruction(instruction, state, this.#surroundings()));
    }
    this.#built = { ...this.#built, config: state.config, author: state.author ?? this.#built.author };
    return { built: this.#built, key: this.#key };
  }

  async #base(): Promise<StageState> {
    const { planned, pull, stageAt, request } = this.at;
    const platform = planned.platform === undefined ? this.at.platform : parsePlatform(planned.platform);
    const root = [CACHE_VERSION, platformName(platform), String(request.epochSeconds ?? '')];
    if (planned.base.kind === 'stage') {
      const other = stageAt(planned.base.index);
      if (!other) throw new RangeError(`stage ${planned.base.index} was not built`);
      this.#built = other.built;
      this.#key = other.key;
    } else if (planned.base.kind === 'scratch') {
      this.#built = { platform, config: { Env: [`PATH=${DEFAULT_PATH}`] }, layers: [], history: [] };
      this.#key = cacheKey(...root, 'scratch');
    } else {
      const image = await pull(planned.base.name, platform);
      const { os, architecture, variant, config = {}, history = [], author, created } = image.config;
      const of = { os, architecture, ...(variant !== undefined && { variant }) };
      this.#built = { platform: of, config, layers: image.layers, history, author, created };
      this.#key = cacheKey(...root, image.id);
    }
    return beginStage(this.#built.config);
  }

  async #step(step: Step): Promise<StageState> {
    const { request, packing } = this.at;
    const number = this.#begin(step.text);
    const { action } = step;
    if (step.key === '') {
      request.tell({ kind: 'done', number }); // ARG: it shows in the keys of the RUNs that see it
      return step.state;
    }
    await using workspace = new Workspace();
    const collected = action.kind === 'copy' ? await this.#collect(action, step, workspace) : undefined;
    this.#key = cacheKey(this.#key, step.key, collected?.digest ?? '');
    let cached = request.noCache ? undefined : await findStep(this.#key, packing.store.blobs);
    if (cached?.layer) await packing.hold.add(cached.layer.descriptor.digest);
    const isCached = cached !== undefined;
    if (!cached) {
      const layer = await this.#perform(step, collected, workspace);
      cached = { created: this.#now(), ...(layer && { layer }) };
      await keepStep(this.#key, cached);
    }
    this.#add(step, cached);
    request.tell({ kind: isCached && action.kind !== 'config' ? 'cached' : 'done', number });
    return step.state;
  }

  #add({ createdBy }: Step, { created, layer }: CachedStep): void {
    const entry = { created, created_by: createdBy, comment: 'vlab', ...(!layer && { empty_layer: true }) };
    this.#built = {
      ...this.#built,
      created,
      layers: layer ? withLayer(this.#built.layers, layer) : this.#built.layers,
      history: [...this.#built.history, entry],
    };
  }

  async #collect({ copy }: Extract<StepAction, { kind: 'copy' }>, step: Step, workspace: Workspace) {
    const { request } = this.at;
    const from = copy.from === undefined ? request.context : await this.#treeFrom(copy.from, workspace);
    try {
      return await collectCopy(copy, from, workspace, request.signal);
    } catch (error) {
      throw explainCopy(error, `${request.dockerfile.file}:${step.line}: ${step.text}`, from.rules);
    }
  }

  async #treeFrom(name: string, workspace: Workspace): Promise<CopySource> {
    const { stageOf, pull, platform, packing } = this.at;
    const stage = stageOf(name);
    const layers = stage ? stage.built.layers : (await pull(name, platform)).layers;
    return { tree: await treeOf(workspace.inner(), layers, this.#blobs(packing)), isContext: false };
  }

  #blobs({ store, signal }: Packing) {
    return { blobs: store.blobs, signal };
  }

  async #perform(
    step: Step,
    collected: Awaited<ReturnType<typeof collectCopy>> | undefined,
    workspace: Workspace,
  ): Promise<CachedStep['layer']> {
    const { request, packing } = this.at;
    const { action } = step;
    const what = `${request.dockerfile.file}:${step.line}: ${step.text}`;
    switch (action.kind) {
      case 'config':
        return undefined;
      case 'run': {
        const run = action.network === 'default' ? { ...action, network: request.network } : action;
        return performRun({ run, below: this.#built, packing, output: request.output, what });
      }
      case 'copy':
      case 'directory': {
        const base = await treeOf(workspace.inner(), this.#built.layers, this.#blobs(packing));
        const staging = workspace.place('staging');
        const place = { base, staging, timeSeconds: request.epochSeconds ?? Math.floor(Date.now() / 1000) };
        try {
          if (action.kind === 'directory') {
            if (!(await performDirectory(action.path, action.user, place))) return undefined;
          } else if (collected) await performCopy(collected, place);
        } catch (error) {
          if (!(error instanceof VlabError)) throw error;
          throw new VlabError(error.blame, `${what}: ${error.message}`, {
            cause: error.cause,
            exitCode: error.exitCode,
          });
        }
        return packStep({ kind: 'tree', tree: staging }, packing);
      }
    }
  }

  #surroundings(): Surroundings {
    const { request, globals, platformArgs, used } = this.at;
    const { buildArgs, dockerfile } = request;
    const { file, escapeSign } = dockerfile;
    const proxies = [...buildArgs].filter(([name]) => PREDEFINED_ARGS.has(name));
    for (const [name] of proxies) used.add(name);
    return {
      ...{ file, escapeSign, proxies },
      argValue: (name) => {
        used.add(name);
        return buildArgs.get(name) ?? globals.get(name) ?? platformArgs.get(name);
      },
    };
  }

  #begin(text: string): number {
    const { request, planned, next } = this.at;
    const { number, of } = next();
    const stage = planned.stage.name ?? `stage-${planned.index}`;
    request.tell({ kind: 'step', stage, number, of, text });
    return number;
  }

  #now(): string {
    const { epochSeconds } = this.at.request;
    return new Date(epochSeconds === undefined ? Date.now() : epochSeconds * 1000).toISOString();
  }
}
