// The peer of benchmarks/jobs.py: BullMQ, alone and with a row in PostgreSQL for each job. Prints one JSON object.
import { Queue, Worker } from "bullmq";
import pg from "pg";

const { redisPort, database, jobs, rounds, submitters, places } = JSON.parse(process.argv[2]);
const connection = { host: "127.0.0.1", port: redisPort, maxRetriesPerRequest: null };
const pool = new pg.Pool({ connectionString: database, max: submitters + places });
await pool.query("CREATE TABLE peer_jobs (id text PRIMARY KEY, state text NOT NULL, args jsonb NOT NULL)");

const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function measure(name, ledger) {
  const queue = new Queue(name, { connection });
  let started = () => {};
  let ended = 0;
  let all = () => {};
  let wanted = 0;
  const worker = new Worker(
    name,
    async (job) => {
      if (ledger) await pool.query("UPDATE peer_jobs SET state = 'leased' WHERE id = $1 AND state = 'queued'", [job.data.id]);
      started(performance.now());
      if (ledger) await pool.query("UPDATE peer_jobs SET state = 'done' WHERE id = $1 AND state = 'leased'", [job.data.id]);
    },
    { connection, concurrency: places },
  );
  worker.on("completed", () => {
    ended += 1;
    if (ended >= wanted) all();
  });
  await worker.waitUntilReady();
  const submit = async (number) => {
    const id = `${name}-${number}`;
    if (ledger) await pool.query("INSERT INTO peer_jobs VALUES ($1, 'queued', $2)", [id, { number }]);
    await queue.add("bench", { id }, { removeOnComplete: true });
  };
  const waits = [];
  for (let number = 0; number < rounds; number += 1) {
    await pause(20);
    const first = new Promise((done) => (started = done));
    await submit(`idle-${number}`);
    const committed = performance.now();
    waits.push(Math.max(0, (await first) - committed));
  }
  await pause(200);
  ended = 0;
  wanted = jobs;
  const done = new Promise((resolve) => (all = resolve));
  const began = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: submitters }, async () => {
      while (next < jobs) await submit(next++);
    }),
  );
  await done;
  const perSecond = (jobs / (performance.now() - began)) * 1000;
  await worker.close();
  await queue.close();
  return { per_second: Math.round(perSecond * 10) / 10, p50_ms: quantile(waits, 0.5), p99_ms: quantile(waits, 0.99) };
}

const result = { node: process.versions.node, bullmq: await measure("peer-bare", false), bullmq_ledger: await measure("peer-ledger", true) };
console.log(JSON.stringify(result));
await pool.end();
process.exit(0);
