// The policies, rates and limits of the environment, which its deployment sets.

import { useQuery } from "@tanstack/preact-query";
import type { JSX } from "preact";
import { Table } from "../../ui/list.tsx";
import { Loaded, Title } from "../../ui/page.tsx";
import { settings } from "../reads.ts";
import { c } from "../texts/index.ts";

export function SettingsPage(): JSX.Element {
  const query = useQuery(settings());
  const { title, text, meaning, meanings, name, value, none } = c().settings;
  return (
    <div class="wide-sections">
      <Title>{title}</Title>
      <p>{text}</p>
      <Loaded query={query}>
        {(items) => (
          <Table caption={title} head={[meaning, value, name]}>
            {items.map((one) => (
              <tr key={one.name}>
                <td>{meanings[one.name] ?? one.name}</td>
                <td>{one.value === "" ? none : <Value text={one.value} />}</td>
                <td>
                  <code>{one.name}</code>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
    </div>
  );
}

/** A list with its entries below each other, each of which can break at its commas. */
function Value({ text }: { text: string }): JSX.Element {
  return (
    <>
      {text.split(/[;|]/).map((entry) => (
        <div key={entry}>{entry.replaceAll(",", ", ")}</div>
      ))}
    </>
  );
}
