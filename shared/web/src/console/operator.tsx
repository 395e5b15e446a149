import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { queries } from "../core/client.ts";
import { caller } from "../core/session.ts";
import { isProblemOf } from "../core/text.ts";
import { lookups } from "./lookups.ts";
import { foundUser, user } from "./reads.ts";
import { c } from "./texts/index.ts";

/** Accounts that a page reads for their names: an audit may name hundreds. */
const MOST = 20;
const mayLookUp = lookups(MOST);

/** Read once in a session: a name seldom changes. */
const KEPT = { staleTime: Infinity, gcTime: Infinity, refetchOnWindowFocus: false } as const;

/** Who did something. */
export function Operator({ id }: { id: string }): JSX.Element {
  return <a href={`/console/customers/${id}`}>{caller.value?.role === "admin" ? <AccountName id={id} /> : nameForStaff(id)}</a>;
}

/** Admins read accounts: by e-mail address, and by id if the account is erased, or the page has read many others. */
function AccountName({ id }: { id: string }): JSX.Element {
  const options = user(id);
  const isKnown = queries.getQueryData(options.queryKey) !== undefined;
  const { data, error } = useQuery({ ...options, ...KEPT, enabled: isKnown || mayLookUp(location.pathname, id) });
  return <>{(isProblemOf(error, "not-found") ? null : data?.email) ?? id}</>;
}

/** Other staff know themselves and whom they have searched for. The end of an id is what tells it from others. */
function nameForStaff(id: string): string {
  if (id === caller.value?.id) return c().you;
  return foundUser(id)?.email ?? `…${id.slice(-12)}`;
}
