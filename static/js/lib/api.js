/**
 * One way to talk to the server: CSRF header, idempotency key, problems as errors, careful retries.
 */

/** What the server answered when it refused; `message` is a sentence for people. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.code = body.code || "";
    this.body = body;
  }
}

const PAUSES = [500, 1500, 4000];

/**
 * @param {string} url
 * @param {{method?: string, json?: unknown, key?: string, keepalive?: boolean, signal?: AbortSignal, retries?: number}} [options]
 * @returns {Promise<any>} the JSON of the answer, or null
 */
export async function request(url, options = {}) {
  const retries = options.retries ?? (isSafe(options) ? PAUSES.length : 0);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await once(url, options);
    } catch (error) {
      if (attempt >= retries || !mayRepeat(error)) throw error;
      await pause(PAUSES[Math.min(attempt, PAUSES.length - 1)]);
    }
  }
}

export const get = (url, options = {}) => request(url, options);
export const post = (url, json, options = {}) => request(url, { ...options, method: "POST", json });

/** A read may always be repeated; a write only when its key makes the server see it once. */
function isSafe({ method = "GET", key }) {
  return method === "GET" || Boolean(key);
}

function mayRepeat(error) {
  if (error instanceof Problem) return error.status === 429 || error.status >= 500;
  return error instanceof TypeError;
}

async function once(url, { method = "GET", json, key, keepalive = false, signal }) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const body = json === undefined ? undefined : JSON.stringify(json);
  const answer = await fetch(url, { method, headers, body, keepalive, signal, credentials: "same-origin" });
  const content = await bodyOf(answer);
  if (!answer.ok) throw new Problem(answer.status, content || {});
  return content;
}

async function bodyOf(answer) {
  const type = answer.headers.get("Content-Type") || "";
  return type.includes("json") ? answer.json() : null;
}

export function csrfToken() {
  const meta = document.querySelector('meta[name="csrf-token"]');
  return meta ? meta.getAttribute("content") || "" : "";
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds * (0.75 + Math.random() / 2)));
}
