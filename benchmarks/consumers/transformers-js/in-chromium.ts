import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runTransformers, type TheirSide } from './transformers-runs.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

/** The little of playwright-core that is used here. */
interface Playwright {
  readonly chromium: {
    launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<{
      version(): string;
      newPage(): Promise<{
        goto(url: string): Promise<unknown>;
        evaluate<Given, Result>(run: (given: Given) => Promise<Result>, given: Given): Promise<Result>;
      }>;
      close(): Promise<void>;
    }>;
  };
}

/** Loads the folder in Chromium, from a server on loopback, and lets onnxruntime-web's WASM run it. `modules`: a node_modules with transformers.js and playwright-core. */
export async function runInChromium(p: {
  readonly modules: string;
  readonly folder: string;
  readonly text: string;
  readonly count: number;
  readonly chromium: string;
}): Promise<TheirSide & { readonly version: string }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    if (pathname === '/') {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>transformers.js</title>');
      return;
    }
    const [root, path] = pathname.startsWith('/modules/')
      ? [p.modules, pathname.slice('/modules/'.length)]
      : [dirname(resolve(p.folder)), pathname.slice('/models/'.length)];
    const file = join(root, decodeURIComponent(path));
    if (!file.startsWith(root + sep)) {
      response.writeHead(404).end();
      return;
    }
    stat(file).then(
      ({ size }) => {
        response.writeHead(200, {
          'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
          'content-length': size,
        });
        createReadStream(file).pipe(response);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const playwright = createRequire(join(p.modules, 'x')).resolve('playwright-core');
  const { chromium } = (await import(pathToFileURL(playwright).href)).default as Playwright;
  const browser = await chromium.launch({ executablePath: p.chromium, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    const place = {
      library: '/modules/@huggingface/transformers/dist/transformers.min.js',
      models: '/models/',
      model: basename(resolve(p.folder)),
      device: 'wasm' as const,
      wasm: `http://127.0.0.1:${port}/modules/onnxruntime-web/dist/`,
    };
    const found = await page.evaluate(runTransformers, { place, text: p.text, count: p.count });
    return { ...found, version: browser.version() };
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}
