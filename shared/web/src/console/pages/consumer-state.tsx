// Whether a consumer gets messages, and the way to pause and to resume it.

import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { api, queries, type Schemas } from "../../core/client.ts";
import { useKeyed } from "../../core/keyed.ts";
import { unwrap } from "../../core/problem.ts";
import { Field, Form } from "../../ui/form.tsx";
import { Loaded } from "../../ui/page.tsx";
import { queues } from "../reads.ts";
import { c } from "../texts/index.ts";

export function isStopped(state: Schemas["QueueView"]["state"]): boolean {
  return state === "paused" || state === "changing";
}

/** Whether a consumer gets messages, and the way to stop and to start it. */
export function ConsumerState({ name }: { name: string }): JSX.Element {
  const query = useQuery(queues());
  const update = (body: Schemas["UpdateConsumerState"], key: string): Promise<Schemas["ConsumerStateView"]> =>
    unwrap(api.PUT("/api/v1/ops/consumers/{name}/state", { params: { path: { name }, header: { "Idempotency-Key": key } }, body }));
  const updating = useKeyed(`PUT /ops/consumers/${name}/state`, update, {
    onSuccess: () => queries.invalidateQueries({ predicate: ({ queryKey }) => ["queues", "audit"].includes(String(queryKey[0])) }),
  });
  const { data } = updating;
  return (
    <section class="box">
      <h2>{c().operations.state}</h2>
      <Loaded query={query}>
        {(items) => {
          const state = items.find((one) => one.name === name)?.state;
          if (!state) return <p>{c().operations.notPausable}</p>;
          const next = state === "running" ? "paused" : "running";
          return (
            <>
              <p class={isStopped(state) ? "error" : undefined}>{c().operations.states[state]}</p>
              {state === "changing" ? (
                <p class="hint">{c().operations.changingHint}</p>
              ) : (
                // Empty after a change: the same button does the opposite then.
                <Form
                  key={next}
                  submit={next === "paused" ? c().operations.pause : c().operations.resume}
                  isBusy={updating.isPending}
                  error={updating.error}
                  onSubmit={(values) => updating.mutate({ state: next, reason: values["/reason"]?.trim() ?? "" })}
                >
                  <Field name="/reason" label={c().reason} hint={next === "paused" ? c().operations.pauseHint : c().operations.reasonHint} required />
                </Form>
              )}
            </>
          );
        }}
      </Loaded>
      <div role="status">{data && <p class="notice good">{data.changed > 0 ? c().operations.stateChanged : c().operations.stateKept}</p>}</div>
    </section>
  );
}
