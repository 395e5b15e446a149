import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { caller } from "../core/session.ts";
import { user } from "./reads.ts";

/** Who did something: by e-mail address for admins, who alone may read accounts, and by id for others or if the account is erased. */
export function Operator({ id }: { id: string }): JSX.Element {
  const { data } = useQuery({ ...user(id), enabled: caller.value?.role === "admin" });
  return <a href={`/console/customers/${id}`}>{data?.email ?? id}</a>;
}
