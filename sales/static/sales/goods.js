// The shop's goods, searched in the browser: at once, and without the network too.

export function catalogueOf(items) {
  const codes = new Map();
  for (const item of items) {
    codes.set(item.code, { item, count: 1 });
    for (const [code, count] of item.barcodes) codes.set(code, { item, count });
  }
  const words = items.map((item) => `${item.name} ${item.pinyin} ${item.code}`.toLowerCase());
  return {
    favourites: items.filter((item) => item.favourite),
    byId: (id) => items.find((item) => item.id === id),
    byCode: (code) => codes.get(code),
    find: (wanted) => {
      const parts = wanted.toLowerCase().split(/\s+/);
      return items.filter((item, index) => parts.every((part) => words[index].includes(part)));
    },
  };
}
