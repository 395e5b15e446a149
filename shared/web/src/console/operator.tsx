import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { user } from "./reads.ts";

/** Who did something, for admins: by e-mail address, and by id if the account is erased. */
export function Operator({ id }: { id: string }): JSX.Element {
  const { data } = useQuery(user(id));
  return <a href={`/console/customers/${id}`}>{data?.email ?? id}</a>;
}
