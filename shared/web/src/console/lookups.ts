/** Lets a page look up at most so many ids, each as often as it asks. Another page may look up others. */
export function lookups(most: number): (page: string, id: string) => boolean {
  let known = { page: "", ids: new Set<string>() };
  return (page, id) => {
    if (known.page !== page) known = { page, ids: new Set() };
    if (known.ids.size < most) known.ids.add(id);
    return known.ids.has(id);
  };
}
