// The session of this browser: the access token in memory, the refresh token in a cookie that no script reads.
//
// See docs/api-conventions.md#browsers.

import { computed, signal } from "@preact/signals";
import { syncWith } from "./clock.ts";
import { ApiError, isProblem, unwrap, type Problem } from "./problem.ts";
import { setItem, localStore, getItem } from "./storage.ts";

const API = "/api/v1";
/** Whether a cookie may exist. Without this hint, the first page of every visitor would request a token for nothing. */
const COOKIE_HINT = "signed-in";
/** A token that expires within this time is refreshed before the request. */
const MARGIN_MS = 30_000;

export interface Caller {
  id: string;
  role: string;
  token: string;
  /** On the clock of `performance.now()`, which a wrong or changed time of day leaves alone. */
  expiresAt: number;
}

export const caller = signal<Caller | null>(null);
export const isSignedIn = computed(() => caller.value !== null);
/** Whether the page knows yet if somebody is logged in. */
export const isRestored = signal(false);
/** Set while the session of an open page has expired: the page asks for the password and then continues. */
export const isExpired = signal(false);
/** Whether the session ended by a logout in another tab: the person in front of this one may wonder. */
export const isEndedElsewhere = signal(false);

/** Whether the cookie is the one of another account, whose session stays when the one of this tab is given up. */
let isReplaced = false;
let waiting: ((isResumed: boolean) => void)[] = [];
const otherTabs = new BroadcastChannel("session");

otherTabs.onmessage = ({ data }: MessageEvent<string>) => {
  if (data === "ended" && caller.value !== null) {
    forget();
    isEndedElsewhere.value = true;
  }
  if (data === "began" && caller.value === null) void refresh();
};

function claims(token: string): { sub: string; role: string } {
  const [, body = ""] = token.split(".");
  const parsed: unknown = JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/")));
  const { sub, role } = parsed as { sub: string; role?: string };
  return { sub, role: role ?? "customer" };
}

/** The user that a token was issued for. */
export const subjectOf = (token: string): string => claims(token).sub;

function accept(tokens: { access_token: string; expires_in: number }): void {
  const { sub, role } = claims(tokens.access_token);
  const expiresAt = performance.now() + tokens.expires_in * 1000;
  caller.value = { id: sub, role, token: tokens.access_token, expiresAt };
  isEndedElsewhere.value = false;
  isReplaced = false;
  setItem(localStore, COOKIE_HINT, "yes");
}

function forget(): void {
  caller.value = null;
  isExpired.value = false;
  if (!isReplaced) setItem(localStore, COOKIE_HINT, null);
  isReplaced = false;
  resolveWaiting(false);
}

function resolveWaiting(isResumed: boolean): void {
  const resolvers = waiting;
  waiting = [];
  for (const resolve of resolvers) resolve(isResumed);
}

const POST = { method: "POST", headers: { "X-Requested-With": "quayside-web" } };

/**
 * Exchanges the cookie for an access token. One tab at a time, because a token that is used twice ends the session. Another tab may have
 * logged in somebody else, whose cookie it is then: the session of this tab has ended.
 */
async function refresh(): Promise<"refreshed" | "ended" | "unreachable"> {
  const before = caller.value?.token;
  return navigator.locks.request("refresh", async () => {
    // Another request of this tab may have waited for the lock, too.
    if (caller.value && caller.value.token !== before) return "refreshed";
    let response;
    try {
      response = await fetch(`${API}/users/token/refresh`, POST);
      syncWith(response);
    } catch {
      return "unreachable";
    }
    if (response.ok) {
      const tokens = (await response.json()) as { access_token: string; expires_in: number };
      isReplaced = caller.value !== null && caller.value.id !== subjectOf(tokens.access_token);
      if (isReplaced) return "ended";
      accept(tokens);
      return "refreshed";
    }
    return response.status === 401 ? "ended" : "unreachable";
  });
}

const RESTORE_TRIES = 4;

/** Finds out at the start of a page whether somebody is logged in. */
export async function restore(): Promise<void> {
  for (let tries = 0; tries < RESTORE_TRIES && getItem(localStore, COOKIE_HINT) && !caller.value; tries++) {
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tries));
    if ((await refresh()) === "ended") forget();
  }
  isRestored.value = true;
}

export interface Credentials {
  name: string;
  password: string;
}

export type LoginResult = { kind: "done" } | { kind: "code"; token: string } | { kind: "enrolment"; token: string; problem: Problem | null } | { kind: "refused"; problem: Problem | null };

async function login(path: string, body: object): Promise<LoginResult> {
  let response;
  try {
    const headers = { ...POST.headers, "Content-Type": "application/json" };
    response = await fetch(`${API}${path}?session=cookie`, { method: "POST", headers, body: JSON.stringify(body) });
    syncWith(response);
  } catch {
    return { kind: "refused", problem: null };
  }
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const problem = isProblem(answer) ? answer : null;
    const further = (problem ?? {}) as { mfa_token?: string; enrolment_token?: string };
    if (further.mfa_token) return { kind: "code", token: further.mfa_token };
    if (further.enrolment_token) return { kind: "enrolment", token: further.enrolment_token, problem };
    return { kind: "refused", problem };
  }
  const previous = caller.value?.id;
  accept(answer as { access_token: string; expires_in: number });
  isExpired.value = false;
  otherTabs.postMessage("began");
  // A request of one person is not repeated in the name of another.
  resolveWaiting(previous === undefined || previous === caller.value?.id);
  return { kind: "done" };
}

export function logIn({ name, password }: Credentials): Promise<LoginResult> {
  return login("/users/login", name.includes("@") ? { email: name, password } : { username: name, password });
}

/** Finishes a login with a code of the second factor or with a recovery code. */
export function sendCode(token: string, code: string): Promise<LoginResult> {
  const plain = code.replaceAll(" ", "");
  const isCode = /^\d{6}$/.test(plain);
  return login("/users/login/mfa", { mfa_token: token, ...(isCode ? { code: plain } : { recovery_code: code.trim() }) });
}

/**
 * Ends the session: of the token, or of the cookie once the token has expired. Throws an ApiError, and keeps the session, if the API has
 * not ended it: the cookie is valid for weeks.
 */
export async function logOut(): Promise<void> {
  try {
    // A refresh at the same time would replace the cookie whose session is ended.
    await navigator.locks.request("refresh", () => unwrap(requestLogout()));
  } catch (error) {
    // Neither a token nor a cookie is valid: no session is left.
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  }
  forget();
  otherTabs.postMessage("ended");
}

async function requestLogout(): Promise<{ error: unknown; response: Response }> {
  const token = caller.value?.token;
  const headers = { ...POST.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(`${API}/users/logout`, { method: "POST", headers });
  syncWith(response);
  return { response, error: response.ok ? null : await response.json().catch(() => null) };
}

/** Drops an expired session instead of logging in again. */
export function dropSession(): void {
  forget();
}

async function send(request: Request, token: string | undefined): Promise<Response> {
  const attempt = request.clone();
  // A request may bring a token of its own.
  if (token && !attempt.headers.has("Authorization")) attempt.headers.set("Authorization", `Bearer ${token}`);
  const response = await fetch(attempt);
  syncWith(response);
  return response;
}

/** `fetch` for the API: with the access token, and once more with a new one if it was refused. */
export async function authorizedFetch(request: Request): Promise<Response> {
  const sender = caller.value;
  if (sender && sender.expiresAt - performance.now() < MARGIN_MS) await refresh();
  const used = tokenOf(sender);
  const response = await send(request, used);
  if (used === undefined || !(await isTokenRefused(response))) return response;
  const outcome = tokenOf(sender) === used ? await refresh() : "refreshed";
  if (outcome === "unreachable") return response;
  if (outcome === "ended" && !(await resume())) return response;
  const renewed = tokenOf(sender);
  return renewed === undefined ? response : send(request, renewed);
}

/** The current token of somebody; none once somebody else has logged in, in whose name nothing of theirs is sent. */
function tokenOf(sender: Caller | null): string | undefined {
  return caller.value?.id === sender?.id ? caller.value?.token : undefined;
}

/** A 401 may also be about a password or a code in the request, which must not be tried twice. */
async function isTokenRefused(response: Response): Promise<boolean> {
  if (response.status !== 401) return false;
  const body: unknown = await response.clone().json().catch(() => null);
  return !isProblem(body) || body.type.endsWith("/unauthenticated");
}

/** Waits until the person has logged in again. What was typed stays on the page meanwhile. */
function resume(): Promise<boolean> {
  isExpired.value = true;
  return new Promise((resolve) => waiting.push(resolve));
}
