// The till's own store: what it needs to sell without the network, and what it sold meanwhile.

const NAME = "till";
let opened;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("kept");
      request.result.createObjectStore("sales", { keyPath: "key" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function act(store, mode, work) {
  const base = await database();
  return new Promise((resolve, reject) => {
    // "strict" asks for the sale to be on the disk before the cashier is told so.
    const transaction = base.transaction(store, mode, { durability: mode === "readwrite" ? "strict" : "default" });
    const request = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const keep = (name, value) => act("kept", "readwrite", (store) => store.put(value, name));
export const kept = (name) => act("kept", "readonly", (store) => store.get(name));
export const addSale = (sale) => act("sales", "readwrite", (store) => store.put(sale));
export const sale = (key) => act("sales", "readonly", (store) => store.get(key));
export const saleCount = () => act("sales", "readonly", (store) => store.count());
export const sales = () => act("sales", "readonly", (store) => store.getAll());
export const dropSale = (key) => act("sales", "readwrite", (store) => store.delete(key));
