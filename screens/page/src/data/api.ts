/** The gateway's REST interface: fetch, and errors that can be shown. */
import { refusal } from "../ui/i18n";
import type { Person } from "./types";

const BASE = "/api/v1";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

let csrf = "";

export async function get<T>(path: string): Promise<T> {
  return call<T>("GET", path);
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  return call<T>("POST", path, body);
}

/** The person whose session this is; null when nobody is logged in. */
export async function whoAmI(): Promise<Person | null> {
  try {
    const person = await get<Person>("/me");
    csrf = person.csrf;
    return person;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return null;
    throw error;
  }
}

export async function logIn(user: string, password: string): Promise<void> {
  const answer = await post<{ csrf: string }>("/session", { user, password });
  csrf = answer.csrf;
}

export async function logOut(): Promise<void> {
  await call("DELETE", "/session");
  csrf = "";
}

export function streamUrl(): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}${BASE}/ws`;
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  const response = await fetch(path.startsWith("/") ? BASE + path : path, {
    method,
    headers,
    credentials: "same-origin",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new ApiError(response.status, reasonIn(text) || response.statusText);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** An error's own words: {"error": {"reason": "…", "hint": "…"}}, or nothing. */
function reasonIn(text: string): string {
  try {
    const said = JSON.parse(text) as { error?: { reason?: string; hint?: string } };
    return refusal(said.error?.reason, said.error?.hint);
  } catch {
    return "";
  }
}
