// Builds ../static/dist: app.css, app.js, worker.js, the font, the icon sprite and the app's icons under hashed names, and manifest.json
// mapping plain names to hashed ones. The old folder is replaced only after everything was built.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const folder = (name) => dirname(require.resolve(`${name}/package.json`));
const dist = join(here, "../static/dist");
const work = `${dist}.${process.pid}`;
const manifest = {};

function emit(name, bytes) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  const dot = name.lastIndexOf(".");
  const hashed = `${name.slice(0, dot)}.${hash}${name.slice(dot)}`;
  writeFileSync(join(work, hashed), bytes);
  manifest[name] = hashed;
  return hashed;
}

function sprite() {
  const icons = join(folder("lucide-static"), "icons");
  const names = readFileSync(join(here, "icons.txt"), "utf8").split("\n").map((line) => line.trim());
  const symbols = [];
  for (const name of names.filter((line) => line && !line.startsWith("#"))) {
    const svg = readFileSync(join(icons, `${name}.svg`), "utf8");
    const body = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    const tight = body.replace(/\s*\n\s*/g, "").replace(/ \/>/g, "/>");
    symbols.push(`<symbol id="${name}" viewBox="0 0 24 24">${tight}</symbol>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
}

function styles() {
  const fonts = join(folder("@fontsource-variable/figtree"), "files");
  const latin = emit("figtree.woff2", readFileSync(join(fonts, "figtree-latin-wght-normal.woff2")));
  const latinExt = emit("figtree-ext.woff2", readFileSync(join(fonts, "figtree-latin-ext-wght-normal.woff2")));
  const out = join(work, "tailwind.css");
  const cli = join(folder("@tailwindcss/cli"), "dist/index.mjs");
  execFileSync(process.execPath, [cli, "-i", join(here, "src/app.css"), "-o", out, "--minify"], {
    cwd: here,
    stdio: ["ignore", "ignore", process.env.VERBOSE ? "inherit" : "pipe"],
  });
  const css = readFileSync(out, "utf8").replaceAll("figtree.woff2", latin).replaceAll("figtree-ext.woff2", latinExt);
  rmSync(out);
  emit("app.css", css);
}

// The socket client is a chunk of its own, loaded only by pages that are live: sign-in stays light.
async function scripts() {
  const result = await esbuild.build({
    entryPoints: { app: join(here, "src/app.js") },
    bundle: true,
    minify: true,
    splitting: true,
    metafile: true,
    format: "esm",
    target: ["es2022"],
    entryNames: "[name].[hash]",
    chunkNames: "[name].[hash]",
    legalComments: "none",
    logLevel: "error",
    outdir: work,
    define: { "process.env.NODE_ENV": '"production"' },
  });
  for (const [path, output] of Object.entries(result.metafile.outputs)) {
    if (output.entryPoint?.endsWith("src/app.js")) manifest["app.js"] = basename(path);
    if (output.entryPoint?.endsWith("src/socket.js")) manifest["socket.js"] = basename(path);
  }
}

// Installed under one address of its own, so it is one file without chunks; the portal says there what belongs to the build.
async function worker() {
  await esbuild.build({
    entryPoints: { worker: join(here, "src/worker/worker.js") },
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2022"],
    entryNames: "[name]",
    legalComments: "none",
    logLevel: "error",
    outdir: work,
  });
  const plain = join(work, "worker.js");
  emit("worker.js", readFileSync(plain));
  rmSync(plain);
}

function pictures() {
  for (const name of readdirSync(join(here, "icons"))) emit(name, readFileSync(join(here, "icons", name)));
}

// Packed as tightly as it goes, once, beside each text: the portal serves whichever the browser takes.
function pack() {
  for (const name of readdirSync(work).filter((one) => /\.(css|js|svg)$/.test(one))) {
    const bytes = readFileSync(join(work, name));
    writeFileSync(join(work, `${name}.gz`), gzipSync(bytes, { level: 9 }));
    writeFileSync(
      join(work, `${name}.br`),
      brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
    );
  }
}

rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
try {
  emit("icons.svg", sprite());
  styles();
  pictures();
  await scripts();
  await worker();
  pack();
  writeFileSync(join(work, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  rmSync(dist, { recursive: true, force: true });
  renameSync(work, dist);
} finally {
  rmSync(work, { recursive: true, force: true });
}
